"""Twelve ways to end a program, with the server up, down and hanging: gone in time, with its own exit status, no row lost."""

from __future__ import annotations

import mmap
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.figures import Figure
from faults.harness import PRELUDE, Engine, Outcome, Program, database, engine, home, run, start, sync
from faults.proxy import Cut, Plan, Proxy, Stall, nothing

__all__ = ["database", "engine", "home"]

CLOSE_SECONDS = (0.5, 5.0)
MARGIN_SECONDS = 0.5
ROWS = 40
SIDE_BY_SIDE = (6, 8)
SECOND_SIGNAL_SECONDS = 0.15

# What stands in for the recorder in a program that is run to see how it ends without one.
WITHOUT = """
import os, sys, time
def issue(run, i): pass
def issue_many(run, start, stop): pass
def say(**values):
    os.write(OUT, b'{"ending": true}\\n')
OUT = int(os.environ["FAULTS_OUT"])
"""
BEGIN = f"""
import atexit, concurrent.futures, mmap, multiprocessing, signal, threading
RUN = os.environ["RUN"]
with open(os.environ["BOARD"], "r+b") as file:
    board = mmap.mmap(file.fileno(), 8)
def counted():
    for i in range(10_000_000):
        issue(RUN, i)
        board[:8] = (i + 1).to_bytes(8, "little")
        time.sleep(0.001)
issue_many(RUN + "-first", 0, {ROWS})
"""
SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
    made = interpreters.create("legacy")
except ImportError:
    import _xxsubinterpreters as interpreters
    made = interpreters.create(isolated=False)
code = WITHIN if "ch_logger" in globals() else "pass"
failed = interpreters.run_string(made, code)
assert failed is None, failed
interpreters.destroy(made)
say(ending=True)
"""
WITHIN = f"""
import os, sys
sys.path.insert(0, os.getcwd())
from work import issue_many
issue_many(os.environ["RUN"], 0, {ROWS})
"""

WAYS: dict[str, str] = {
    "return": "say(ending=True)",
    "exception": "say(ending=True)\nraise ValueError('mine')",
    "sys.exit in a thread": "t = threading.Thread(target=sys.exit, args=(5,)); t.start(); t.join(); say(ending=True)",
    "SIGTERM": "say(ending=True); os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)",
    "SIGINT twice": "say(ending=True); time.sleep(30)",
    "os._exit": "say(ending=True); os._exit(4)",
    "abort": "say(ending=True); os.abort()",
    "pool child": f"""
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.starmap(issue, [(RUN, i) for i in range({ROWS})])
say(ending=True)
sys.exit(3)
""",
    "daemon thread still logging": """
threading.Thread(target=counted, daemon=True).start()
time.sleep(0.05)
say(ending=True)
""",
    "atexit-time log call": f"atexit.register(issue_many, RUN, 0, {ROWS}); say(ending=True); sys.exit(6)",
    "concurrent.futures at exit": f"""
def late(i):
    time.sleep(0.002)
    issue(RUN, i)
pool = concurrent.futures.ThreadPoolExecutor(2)
for i in range({ROWS}): pool.submit(late, i)
say(ending=True)
""",
    "sub-interpreter": f"WITHIN = {WITHIN!r}" + SUB_INTERPRETER,
}
MORE_ROWS = ("pool child", "atexit-time log call", "concurrent.futures at exit", "sub-interpreter")
SERVERS: dict[str, Plan] = {
    "up": nothing,
    "down": lambda request: Cut(passed_on=False, hard=True),
    "hanging": lambda request: Stall(30, passed_on=False),
}


@dataclass
class Cell:
    """How a program ended, and which rows must be found of it."""

    way: str
    run: str
    outcome: Outcome
    took: float
    counted: int

    @property
    def rows(self) -> int:
        """Of its second run id, at least."""
        return self.counted if self.way == "daemon thread still logging" else ROWS if self.way in MORE_ROWS else 0


def finish(program: Program, way: str) -> tuple[Outcome, float]:
    """Wait for the end that the program has told; how it ended, and how long that took."""
    program.listen()
    begun = time.monotonic()
    if way == "SIGINT twice":
        for _ in range(2):
            program.process.send_signal(signal.SIGINT)
            time.sleep(SECOND_SIGNAL_SECONDS)
    outcome = program.finish()
    return outcome, time.monotonic() - begun


class Matrix:
    """Runs the cells of one state of the server."""

    def __init__(self, cwd: Path, env: dict[str, str]) -> None:
        self.cwd = cwd
        self.env = env

    def cell(self, way: str, run: str) -> Cell:
        """Run a program that ends in one way."""
        board = self.cwd / f"{run}.board"
        board.write_bytes(bytes(8))
        env = {**self.env, "RUN": run, "BOARD": str(board)}
        outcome, took = finish(start(BEGIN + WAYS[way], self.cwd, **env), way)
        with board.open("r+b") as file, mmap.mmap(file.fileno(), 8) as seen:
            return Cell(way, run, outcome, took, int.from_bytes(seen[:8], "little"))

    def cells(self, side_by_side: int, limit: float) -> list[Cell]:
        """All ways, some at a time; one that was late is run again by itself, because others took its time."""
        names = {way: f"w{number}" for number, way in enumerate(WAYS)}
        with ThreadPoolExecutor(side_by_side) as pool:
            found = list(pool.map(lambda way: self.cell(way, names[way]), WAYS))
        return found + [self.cell(cell.way, cell.run + "again") for cell in found if cell.took > limit]


def ends_without(cwd: Path, side_by_side: int) -> dict[str, Outcome]:
    """How the same programs end that record nothing."""
    board = cwd / "none.board"
    board.write_bytes(bytes(8))

    def end(way: str) -> Outcome:
        program = start(BEGIN + WAYS[way], cwd, prelude=WITHOUT, RUN="none", BOARD=str(board))
        return finish(program, way)[0]

    with ThreadPoolExecutor(side_by_side) as pool:
        return dict(zip(WAYS, pool.map(end, WAYS), strict=True))


def check_ends(cells: list[Cell], wanted: dict[str, Outcome], limit: float) -> None:
    """Each is gone in time, and has the exit status and the last words of the program that records nothing."""
    late = {cell.way for cell in cells[: len(WAYS)] if cell.took > limit}
    assert late == {cell.way for cell in cells[len(WAYS) :]}
    for cell in cells:
        assert cell.took < limit or cell in cells[: len(WAYS)], (cell.way, cell.took)
        want = wanted[cell.way]
        assert (cell.outcome.status, cell.outcome.out) == (want.status, want.out), cell
        assert cell.outcome.err.splitlines()[-1:] == want.err.splitlines()[-1:], cell


def check_rows(cells: list[Cell], engine: Engine, database: str) -> int:
    """Every row of every cell is stored; how many there are."""
    total = 0
    stored = engine.stored_runs("LIKE 'w%'", database)
    for cell in cells:
        assert stored[f"{cell.run}-first"] == set(range(ROWS)), cell
        rows = stored.get(cell.run, set())
        assert rows == set(range(len(rows))) and cell.rows <= len(rows) <= cell.rows + (cell.counted > 0), cell
        total += ROWS + len(rows)
    assert total == sum(map(len, stored.values()))
    return total


def test_exit_matrix(
    engine: Engine, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """Gone within close_timeout and 0.5 s, with its own exit status, nothing printed; rows stored or in the outbox."""
    assert len(WAYS) == 12
    seconds, side_by_side = CLOSE_SECONDS[long_form], SIDE_BY_SIDE[long_form]
    limit = seconds + MARGIN_SECONDS
    (tmp_path / "work.py").write_text(PRELUDE)  # for the sub-interpreter
    wanted = ends_without(tmp_path, side_by_side)
    total = cells_run = 0
    longest = dict.fromkeys(SERVERS, 0.0)
    for server, plan in SERVERS.items():
        with Proxy(engine.port(), plan) as proxy:
            env = {
                "CLICKHOUSE_URL": engine.url(f"{database}{server}", proxy.port),
                "GENESIS_CH_HOME": str(home),
                "GENESIS_CH_CLOSE_TIMEOUT": str(seconds),
            }
            cells = Matrix(tmp_path, env).cells(side_by_side, limit)
            check_ends(cells, wanted, limit)
            assert proxy.faults > 0 or server == "up"
            longest[server] = max(cell.took for cell in cells if cell.took < limit)
            proxy.plan = nothing
            sync(tmp_path, **env)
            total += check_rows(cells, engine, f"{database}{server}")
            cells_run += len(cells)
    assert list(home.rglob("w-*")) == []
    figure(
        10,
        f"{len(WAYS)} ways to end with the server {', '.join(SERVERS)}: {cells_run} programs, close_timeout {seconds} s",
        "gone after at most " + ", ".join(f"{took:.2f} s ({server})" for server, took in longest.items()) + "; "
        f"exit status and last words as without us; {total} rows, 0 lost",
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sub-interpreters have a GIL of their own since 3.12")
def test_isolated_sub_interpreter(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A sub-interpreter with a GIL of its own gets a clean ImportError; the main one records on."""
    text = """
    try:
        import _interpreters as interpreters
        made = interpreters.create("isolated")
    except ImportError:
        import _xxsubinterpreters as interpreters
        made = interpreters.create(isolated=True)
    code = "try:\\n    import genesis_ch\\nexcept ImportError as error:\\n    assert '_core' in str(error)\\nelse:\\n    raise SystemExit"
    failed = interpreters.run_string(made, code)
    interpreters.destroy(made)
    issue("r", 0)
    say(failed=str(failed), pending=ch_logger.flush(20).pending)
    """
    env = {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home)}
    assert run(text, tmp_path, **env).quiet().said == [{"failed": "None", "pending": 0}]
    assert engine.stored("r", database) == {0}
