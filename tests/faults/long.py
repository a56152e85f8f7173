"""`make faults`: the fault tests in their long form, three files side by side, and the table of docs/reliability.md.

`python tests/faults/long.py DIRECTORY [FILE ...]` keeps logs and figures in DIRECTORY; with FILE it runs only those.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALONE = ("test_caller.py",)
"""Measures times of microseconds: runs first, with nothing beside it."""
LONGEST = (
    "test_fuzz.py", "test_soak.py", "test_outage_long.py", "test_fuzz_values.py", "test_sanitizers.py",
    "test_corruption.py", "test_kill_storm.py", "test_crash_states.py",
)  # fmt: skip
"""Begin first; the other files follow as a place becomes free."""
SIDE_BY_SIDE = 3
POINTS = (
    "Disk errors", "Kill storm", "Crash states", "Corruption", "Ambiguity", "False success", "Poison rows", "Error classes",
    "Outage", "The caller", "Exit", "Fork", "Ctrl-C", "Shared outbox", "Power loss", "Secrets and access", "Hygiene", "Soak",
)  # fmt: skip
"""What the figures' points are called."""
FILE_SECONDS = 3000


def run_file(directory: Path, name: str) -> bool:
    """Run one file in its long form; its output goes to a log beside its figures."""
    stem = Path(name).stem
    (directory / f"{stem}.jsonl").unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", str(HERE / name), "--long", f"--figures={directory}"]
    begun = time.monotonic()
    with (directory / f"{stem}.log").open("wb") as log:
        done = subprocess.run(
            [*command, f"--timeout={FILE_SECONDS}"], cwd=HERE.parents[1], stdout=log, stderr=subprocess.STDOUT, check=False
        )
    passed = done.returncode == 0
    print(f"{'passed' if passed else 'FAILED'}  {name}  {time.monotonic() - begun:.0f} s", flush=True)
    return passed


def run_files(directory: Path, names: Sequence[str]) -> bool:
    """Run files, those of ALONE by themselves; whether all passed."""
    alone = [name for name in names if name in ALONE]
    first = [name for name in LONGEST if name in names]
    rest = [name for name in names if name not in (*alone, *first)]
    passed = [run_file(directory, name) for name in alone]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        passed += pool.map(lambda name: run_file(directory, name), [*first, *rest])
    return all(passed)


def table(directory: Path) -> str:
    """The figures as a table, in the order of the points."""
    lines = [line for file in sorted(directory.glob("*.jsonl")) for line in file.read_text().splitlines()]
    figures = sorted((json.loads(line) for line in lines), key=lambda figure: int(figure["point"]))
    rows = [f"| {POINTS[figure['point']]} | {figure['done']} | {figure['found']} |" for figure in figures]
    return "\n".join(["| | what was done | what came out |", "|---|---|---|", *rows])


def main(arguments: Sequence[str]) -> int:
    """Run, print the table, and leave with 1 when a file failed."""
    directory = Path(arguments[0]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    names = list(arguments[1:]) or sorted(file.name for file in HERE.glob("test_*.py"))
    passed = run_files(directory, names)
    print(table(directory))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
