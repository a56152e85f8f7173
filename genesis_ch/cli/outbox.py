"""What lies in an outbox, looked at from outside: rows that wait, and rows in quarantine.

Changes nothing, so it may look while the writers write. The files are read by the C core.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from genesis_ch._core import count_rows, read_rows
from genesis_ch.cli import quarantine

try:
    import fcntl
except ImportError:  # no such locks here: every writer counts as alive
    fcntl = None  # type: ignore[assignment]

COUNT_MAX = 200_000
"""Rows that are counted before the counting stops: it is for people, and reads every row."""


@dataclass
class Outbox:
    """What was found. `orphaned` are rows that ended processes left, out of `waiting`; `refused` says why, and how often."""

    path: Path
    waiting: int = 0
    orphaned: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    damaged: int = 0

    @property
    def more(self) -> str:
        """A sign to put behind a count that was stopped."""
        return "+" if self.waiting >= COUNT_MAX else ""


def look(path: Path) -> Outbox:
    """Count what waits below `path`; nothing when there is no such directory."""
    found = Outbox(path)
    for writer in sorted(path.glob("w-*")):
        rows = 0
        for segment in writer.glob("*.seg"):
            rows += count_rows(segment, COUNT_MAX - found.waiting - rows)
        found.waiting += rows
        found.orphaned += rows if _has_ended(writer) else 0
    for refused in quarantine.entries(path):
        found.refused[refused.text] += 1
    found.damaged = sum(1 for _ in path.glob("damaged/*"))
    return found


def rows_of(path: Path, run_id: str) -> tuple[int, int]:
    """Return how many rows of a run wait below `path`, and how many the server refused: those that name the run themselves."""
    waiting = sum(_of_run(segment, run_id) for segment in path.glob("w-*/*.seg"))
    return waiting, sum(_of_run(segment, run_id) for segment in path.glob(f"{quarantine.FOLDER}/*.seg"))


def _of_run(segment: Path, run_id: str) -> int:
    return sum(values.get("run_id") == run_id for _, values, _ in read_rows(segment, COUNT_MAX))


def _has_ended(writer: Path) -> bool:
    """Whether the process that wrote there has ended: its lock is free, or is ours, which delivers it already."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(writer / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return not _lives(writer.name)
    finally:
        os.close(descriptor)


def _lives(name: str) -> bool:
    """Whether there is a process with the number in a writer's name, w-<pid>-<random>."""
    try:
        os.kill(int(name.split("-")[1]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError, IndexError):
        return True
    return True
