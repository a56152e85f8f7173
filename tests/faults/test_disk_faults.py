"""A disk that fails: each system call with each error, while a real server takes the rows.

shim/inject.c makes the calls fail, for files below the outbox only. A program logs through rotations before, during and after the
fault, is restarted under it, and ends without a word; every row must be accounted for.
"""

from __future__ import annotations

import errno
import itertools
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faults.figures import Figure
from faults.harness import Engine, database, engine, home, run, sync

__all__ = ["database", "engine", "home"]

SHIM = Path(__file__).parent / "shim" / "inject.c"
SHORT_WRITE = 0
SIDE_BY_SIDE = 2

CELLS = {
    "open": (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.EINTR),
    "write": (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EINTR, SHORT_WRITE),
    "fsync": (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EINTR),
    "rename": (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS),
    "mmap": (errno.ENOMEM, errno.EIO, errno.ENOSPC),
    "posix_fallocate": (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EINTR),
    "mkdir": (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS),
    "unlink": (errno.EIO, errno.EROFS),
}
SHORT_CELLS = (
    ("open", errno.EMFILE),
    ("write", SHORT_WRITE),
    ("fsync", errno.EIO),
    ("mmap", errno.ENOMEM),
    ("posix_fallocate", errno.ENOSPC),
)

PROGRAM = """
import ctypes
shim = ctypes.CDLL(None)
begun = {begin_with_fault}
if not begun:
    shim.faults_percent(0)
    issue_many("{run}", 0, 400)
    ch_logger.flush(20)
    shim.faults_percent({percent})
for part in range(4):
    issue_many("{run}", 400 + 500 * part, 900 + 500 * part)
    ch_logger.flush(0.1)
during = list(lines)
faults = shim.faults_injected()
synced = ch_logger.stats()["rows_synced"]
shim.faults_percent(0)
time.sleep(0.25)
issue_many("{run}", 2400, 4000)
result = ch_logger.flush(30)
stats = ch_logger.stats()
issue_many("{run}", 4000, 4300)
say(result=result.__dict__, stats=stats, faults=faults, during=during, lines=lines, synced=synced)
os._exit(0)
"""
FIRST = 400
LOGGED = 4000
ROWS = 4300


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shim") / "inject.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O2", "-std=gnu11", "-Wall", str(SHIM), "-o", str(path), "-ldl"], check=True
    )
    return path


@dataclass(frozen=True)
class Cell:
    """One call and error, how often it comes, and whether the program meets it from its first row on."""

    function: str
    number: int
    percent: int
    at_start: bool

    @property
    def name(self) -> str:
        error = "short" if self.number == SHORT_WRITE else errno.errorcode[self.number]
        return f"{self.function}_{error}_{self.percent}_{'start' if self.at_start else 'later'}"


@dataclass
class Found:
    """What came of a cell."""

    faults: int
    lines: int
    dropped: int
    stored: int


def environment(engine: Engine, database: str, home: Path) -> dict[str, str]:
    return {
        "CLICKHOUSE_URL": engine.url(database),
        "GENESIS_CH_HOME": str(home),
        "GENESIS_CH_SEGMENT_BYTES": "65536",
        "GENESIS_CH_SYNC_INTERVAL": "0.02",
    }


def causes(lines: list[str]) -> Counter[str]:
    """How often each kind of line was said."""
    return Counter(line[:24] for line in lines)


def check_said(cell: Cell, said: dict[str, Any]) -> None:
    """What the program saw: every row accounted for, and one line for a cause while the fault lasts."""
    stats = said["stats"]
    parts = ("rows_delivered", "rows_pending", "rows_rejected", "rows_parked", "rows_dropped")
    assert stats["rows_logged"] == LOGGED - (FIRST if cell.at_start else 0), (cell.name, stats)
    assert stats["rows_logged"] + stats["rows_adopted"] == sum(stats[part] for part in parts), (cell.name, stats)
    assert stats["rows_pending"] == stats["rows_rejected"] == stats["rows_dropped"] == 0, (cell.name, stats)
    assert said["faults"] > 0 or cell.percent < 100, f"{cell.name}: no fault was met"
    if cell.percent == 100:
        assert max(causes(said["during"]).values(), default=0) <= 1, (cell.name, said["during"])
    if cell.percent == 100 and cell.function == "fsync" and cell.number != errno.EINTR:
        assert stats["syncs_failed"] > 0 and any("did not sync" in line for line in said["during"]), (cell.name, said)
        assert said["synced"] <= FIRST, (cell.name, said["synced"])


def run_cell(cell: Cell, engine: Engine, database: str, library: Path, place: Path) -> Found:
    """Two programs one after the other on one outbox, then what a user does after a crash."""
    place.mkdir()
    home = place / "home"
    env = environment(engine, database, home)
    text = PROGRAM.format(run=cell.name, begin_with_fault=cell.at_start, percent=cell.percent)
    outcome = run(
        text,
        place,
        LD_PRELOAD=str(library),
        FAULTS_ROOT=str(home / "outbox"),
        FAULTS_FUNCTION=cell.function,
        FAULTS_ERRNO=str(cell.number),
        FAULTS_PERCENT=str(cell.percent),
        **env,
    ).quiet()
    said = outcome.said[0]
    check_said(cell, said)
    sync(place, **env)
    stored = engine.stored(cell.name, database)
    assert stored == set(range(FIRST if cell.at_start else 0, ROWS)), cell.name
    assert [*home.rglob("w-*/*.seg")] == [], cell.name
    return Found(said["faults"], len(said["lines"]), said["stats"]["rows_dropped"], len(stored))


def test_every_call_with_every_error(
    engine: Engine, database: str, library: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """Nothing is lost, doubled, altered, raised or printed, and recording is durable again when the fault is over."""
    if long_form:
        pairs = [(function, number) for function, numbers in CELLS.items() for number in numbers]
        cells = [Cell(*pair, *more) for pair in pairs for more in itertools.product((100, 40), (False, True))]
    else:
        cells = [Cell(*pair, 100, i % 2 == 1) for i, pair in enumerate(SHORT_CELLS)]
    cells = [cell for cell in cells if cell.at_start or cell.function not in ("mkdir", "rename")]
    sync(tmp_path, **environment(engine, database, tmp_path / "first"))

    def one(cell: Cell) -> Found:
        return run_cell(cell, engine, database, library, tmp_path / cell.name)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(one, cells))
    faults = sum(each.faults for each in found)
    assert len(found) == len(cells) and faults > 2 * len(cells)
    assert sum(each.faults > 0 for each in found) > 0.9 * len(cells)
    figure(
        0,
        f"{len(cells)} cells of system call and error below the outbox ({faults} calls failed) while a server takes the rows: "
        f"{sum(each.stored for each in found)} rows through rotations, a start or a running program under the fault, and an end without a word",
        f"0 lost, 0 doubled, 0 altered, {sum(each.dropped for each in found)} dropped, nothing raised or printed; rows logged after the "
        "fault survive the end of the process",
    )
