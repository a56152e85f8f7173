"""Every error code of the engine: it has a class, its name is the engine's, and no code loses a row."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from cbuild import CSRC, Builder
from faults.figures import Figure
from faults.harness import Engine, database, engine, home, start, sync
from faults.proxy import Fault, Proxy, Reply, Request
from faults.segments import clear_not_before
from faults.test_poison import outbox_command

__all__ = ["database", "engine", "home"]

CLASSES = ("NONE", "RETRY", "AUTH", "SCHEMA", "REJECT", "SPLIT")
OK_CODE = 0
ROWS = 2
ASK = "SELECT code, name FROM system.errors SETTINGS system_events_show_zero_values = 1 FORMAT TabSeparated"
KEPT_AS = {"RETRY": "pending", "AUTH": "pending", "SPLIT": "pending", "SCHEMA": "parked", "REJECT": "rejected"}
"""Where small rows are while a class of error lasts."""

PROGRAM = f"""
TABLE = os.environ["TABLE"]
while True:
    words = sys.stdin.readline().split()
    if words[0] == "end":
        break
    run, kept_as = words
    before = ch_logger.stats()
    def grown(name):
        return ch_logger.stats()[name] - before[name]
    def kept():
        return grown("retries") if kept_as == "pending" else grown("rows_" + kept_as) >= {ROWS}
    for i in range({ROWS}):
        if TABLE == "individuals":
            issue(run, i)
        else:
            ch_logger.log_trace(f"{{run}}-{{i}}", id=f"{{run}}-{{i}}", input=run, run_id=run, generation=i, tags=[run])
    ch_logger.flush(0.01)
    until = time.monotonic() + 20
    while not kept() and time.monotonic() < until:
        time.sleep(0.002)
    say(delivered=grown("rows_delivered"), kept=grown("rows_" + kept_as) if kept_as != "pending" else ch_logger.stats()["rows_pending"])
    sys.stdin.readline()
    result = ch_logger.flush(20)
    say(pending=result.pending, dropped=result.dropped)
"""


class Classes(ctypes.CDLL):
    """gch_error_classify and gch_error_code_name, as they are compiled."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.gch_error_code_name.restype = ctypes.c_char_p

    def of(self, code: int, status: int = 500) -> str:
        """The class of an answer."""
        return CLASSES[self.gch_error_classify(code, status)]

    def name(self, code: int) -> str | None:
        """The name in the table; None for a code that is not in it."""
        found: bytes | None = self.gch_error_code_name(code)
        return found.decode() if found else None


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Classes:
    builder = Builder(tmp_path_factory.mktemp("classes"))
    flags = ("-shared", "-fPIC", "-fvisibility=default")
    return Classes(builder.link("classes.so", [CSRC / "error_class.c"], (), flags))


def codes_of(engine: Engine) -> dict[int, str]:
    """Every error code of the engine but that of no error, with its name."""
    pairs = (line.split("\t") for line in engine.ask(ASK).splitlines())
    codes = {int(code): name for code, name in pairs}
    assert codes.pop(OK_CODE) == "OK" and len(codes) > 600
    return codes


def test_every_code_has_a_class(engine: Engine, classes: Classes, figure: Figure) -> None:
    """Names agree; what is not in the table is RETRY, the class that waits; nothing is a success, with any status."""
    codes = codes_of(engine)
    named = {code: classes.name(code) for code in codes}
    assert {code: name for code, name in named.items() if name not in (None, codes[code])} == {}
    unknown = [code for code in range(1, 100_000) if code not in codes and classes.name(code)]
    assert unknown == [], "codes that this engine does not have"
    counts = {name: sum(classes.of(code) == name for code in codes) for name in CLASSES}
    assert counts["NONE"] == 0 and all(counts[name] > 5 for name in CLASSES[1:])
    for code in codes:
        assert named[code] or classes.of(code) == "RETRY"
        assert {classes.of(code, status) for status in (200, 204, 302, 500)} == {classes.of(code)}
    by_default = sum(name is None for name in named.values())
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    figure(
        7,
        f"all {len(codes)} codes of system.errors held against the table in csrc/error_class.c",
        f"each has a class: {parts}; {len(codes) - by_default} by name, {by_default} by the rule that the rest is RETRY; "
        "0 names differ, 0 codes unknown to the engine",
    )


def one_of_each(classes: Classes, codes: dict[int, str]) -> list[int]:
    """Two codes of each class, one that the table does not have, and one that no engine has; SCHEMA's last."""
    chosen = [code for name in ("AUTH", "REJECT", "SPLIT", "RETRY") for code in codes if classes.of(code) == name]
    first = {name: [code for code in chosen if classes.of(code) == name and classes.name(code)][:2] for name in CLASSES}
    unnamed = next(code for code in codes if classes.name(code) is None)
    parked = [code for code in codes if classes.of(code) == "SCHEMA"][:2]
    return [*(code for few in first.values() for code in few), unnamed, 99_999, *parked]


def hurry_parked(home: Path) -> int:
    """Make every parked segment due now, as a minute would; how many there were."""
    return sum(clear_not_before(path) for path in home.rglob("w-*/*.seg"))


@dataclass
class Stage:
    """The answer to rows while a code is tried."""

    table: str
    fault: Fault = None

    def plan(self, request: Request) -> Fault:
        """The fault for rows, nothing else."""
        return self.fault if request.table == self.table else None


def try_codes(stage: Stage, cells: list[tuple[int, int]], classes: Classes, cwd: Path, environment: dict[str, str]) -> None:
    """Answer each cell's rows with its code and status until they are kept where its class says."""
    program = start(PROGRAM, cwd, TABLE=stage.table, **environment)
    for number, (code, status) in enumerate(cells):
        ours = {"X-ClickHouse-Query-Id": "q", "X-ClickHouse-Exception-Code": str(code)}
        stage.fault = Reply(status, ours, b"Code: %d. DB::Exception: as told" % code if status == 500 else b"")
        program.tell(f"r{number} {KEPT_AS[classes.of(code)]}")
        assert program.listen() == {"delivered": 0, "kept": ROWS}, (code, status)
        stage.fault = None
        program.tell()
        assert program.listen() == {"pending": 0, "dropped": 0}, (code, status)
    program.tell("end")
    program.finish().quiet()


def stored(engine: Engine, database: str, table: str, run: str) -> set[int]:
    """The numbers of the rows of a run, of which each is there once and as it was logged."""
    if table == "individuals":
        return engine.stored(run, database)
    good = "id = name AND name = concat(run_id, '-', toString(generation)) AND input = run_id AND tags = [run_id]"
    sql = f"SELECT count(), countIf({good}), groupArraySorted(100)(generation) FROM traces FINAL WHERE run_id = '{run}'"
    rows, right, numbers = json.loads(engine.ask(f"{sql} FORMAT JSONCompactEachRow", database))
    assert int(rows) == int(right) == len(set(numbers))
    return set(numbers)


@pytest.mark.parametrize("table", ["individuals", "traces"])
def test_no_code_loses_a_row(
    engine: Engine, database: str, home: Path, tmp_path: Path, classes: Classes, table: str, long_form: bool, figure: Figure
) -> None:
    """An answer with the code keeps the rows; they arrive when it ends, those in the quarantine by outbox retry."""
    codes = codes_of(engine)
    by_class = sorted(codes, key=lambda code: classes.of(code) == "SCHEMA")
    chosen = by_class if long_form else one_of_each(classes, codes)
    cells = [(code, status) for code in chosen for status in (500, 200)]
    counts = [KEPT_AS[classes.of(code)] for code, _ in cells]
    stage = Stage(table)
    with Proxy(engine.port(), stage.plan) as proxy:
        environment = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_HOME": str(home)}
        try_codes(stage, cells, classes, tmp_path, environment)
        assert proxy.faults >= len(cells)
        parked = hurry_parked(home)
        refused = len(list(home.rglob("quarantine/*.seg")))
        assert refused == ROWS * counts.count("rejected") > 0 and parked == counts.count("parked") > 0
        outbox_command(tmp_path, environment, "retry", "--all")
        assert sync(tmp_path, **environment)["stats"]["rows_delivered"] == refused + ROWS * parked
    for number in range(len(cells)):
        assert stored(engine, database, table, f"r{number}") == set(range(ROWS)), cells[number]
    assert list(home.rglob("*.seg")) == []
    figure(
        7,
        f"rows of {table} answered with {len(chosen)} codes, as status 500 and as status 200 ({len(cells)} cells)",
        f"0 acknowledged, 0 dropped: kept in the outbox in {counts.count('pending')} cells, parked in {parked}, in the "
        f"quarantine in {counts.count('rejected')}; all {ROWS * len(cells)} rows stored in the end",
    )
