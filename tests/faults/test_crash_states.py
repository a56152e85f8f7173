"""Every state that SIGKILL can leave of an outbox is recovered to whole rows: tests/c/crash_states.c steps the real code.

The writer runs one machine instruction at a time. Whenever its files have changed, their bytes are recovered by the real
adoption and compared with what the writer was told to keep; each store is also cut at its bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cbuild import ROOT, SANITIZED, Builder
from faults.figures import Figure

SKIPPED = 77
DRIVER = ROOT / "tests" / "c" / "crash_states.c"


@pytest.fixture
def memory_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: tens of thousands of outboxes are written into it."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    directory = Path(tempfile.mkdtemp(prefix="crash-states-", dir=shared))
    yield directory
    shutil.rmtree(directory)


def states(program: Path, directory: Path, rows: int, seed: int, every: int) -> Counter[str]:
    """What one run of the driver counted. It fails at the first state that is not recovered as it has to be."""
    directory.mkdir()
    done = subprocess.run(
        [program, str(rows), str(seed), str(every)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode == SKIPPED:
        pytest.skip(f"a program cannot be stepped here: {done.stdout}")
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    return Counter(json.loads(done.stdout.splitlines()[-1]))


def test_every_crash_state(long_form: bool, tmp_path: Path, memory_directory: Path, figure: Figure) -> None:
    """Prefixes of a recorded life of an outbox, with the last store torn; seeds give other lengths and boundaries."""
    builder = Builder(tmp_path)
    plain = builder.program(DRIVER, ())
    runs = [(plain, 100, 1, 3)]
    if long_form:
        runs = [(plain, 300, seed, 1) for seed in range(1, 4)]
        runs.append((builder.program(DRIVER, SANITIZED), 120, 4, 8))
    seen: Counter[str] = Counter()
    for number, (program, rows, seed, every) in enumerate(runs):
        seen += states(program, memory_directory / str(number), rows, seed, every)
    assert seen["states"] >= 10_000 and seen["torn"] > seen["states"] // 2
    assert seen["made"] >= 2 and seen["recycled"] >= 1 and seen["file_steps"] >= 20
    assert seen["exact"] >= 1 and seen["too_large"] >= 1
    assert seen["in_flight"] >= seen["rows"] * 0.9 and seen["again"] > 0
    assert seen["recovered"] > seen["states"]
    done = (
        f"{seen['rows']:,} appends with rotation, delivery, recycling, parking and quarantine, run instruction by instruction "
        f"({seen['instructions']:,}); {seen['stores']:,} changes of files, {seen['torn']:,} states with a store cut"
    )
    figure(2, done, f"{seen['states']:,} states, each recovered to the exact rows; a recovery cut half-way and repeated gave the same")


def test_states_differ_by_seed(tmp_path: Path, memory_directory: Path) -> None:
    """The driver really makes different lives: otherwise more seeds prove nothing more."""
    program = Builder(tmp_path).program(DRIVER, ())
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda seed: states(program, memory_directory / str(seed), 12, seed, 64), (5, 6))
    assert first["states"] != second["states"] and first["rows"] == second["rows"] == 12
