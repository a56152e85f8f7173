"""The rows of an outbox that the server refused: what they are and why, put back, or thrown away.

`<id>.seg` holds one row and `<id>.txt` beside it says why; the id begins with the time, in microseconds since the epoch.
A row goes back as an outbox of an ended process, which any process adopts; only then is its copy here removed, so that
a crash in between sends it a second time, and it replaces itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genesis_ch._core import read_rows

try:
    import fcntl
except ImportError:  # no such locks here, so no outbox either
    fcntl = None  # type: ignore[assignment]

FOLDER = "quarantine"
PER_WRITER = 1000
"""Rows that go back in one directory."""
_CODE = re.compile(r"(-?\d+) \((\w+)\)")


@dataclass(frozen=True)
class Entry:
    """One refused row. `name` is ClickHouse's name of the code; `text` is what the server's refusal left, whole."""

    id: str
    segment: Path
    when: datetime
    table: str
    code: int
    name: str
    reason: str
    text: str

    def row(self) -> dict[str, Any]:
        """Read the row's values by column: as many as can be read, none of a damaged file."""
        return next((values for _, values, _ in read_rows(self.segment, 1)), {})


def entries(outbox: Path) -> Iterator[Entry]:
    """Yield the refused rows of an outbox, oldest first."""
    for segment in sorted((outbox / FOLDER).glob("*.seg")):
        if _holds_something(segment):
            yield _entry(segment)


def select(outbox: Path, ids: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """Return the rows whose ids begin with one of `ids`, and those of `ids` that name none or several."""
    every = list(entries(outbox))
    found = {wanted: [entry for entry in every if entry.id.startswith(wanted)] for wanted in ids}
    chosen = {matches[0].id: matches[0] for matches in found.values() if len(matches) == 1}
    return list(chosen.values()), [wanted for wanted, matches in found.items() if len(matches) != 1]


def put_back(outbox: Path, chosen: Sequence[Entry]) -> int:
    """Give rows back to the outbox and return how many there were; a row that somebody else took meanwhile is passed over."""
    done = 0
    for start in range(0, len(chosen), PER_WRITER):
        part = chosen[start : start + PER_WRITER]
        done += _as_writer(outbox, part)
        remove(part)
    return done


def remove(chosen: Iterable[Entry]) -> int:
    """Remove rows and their reasons for good and return how many there were."""
    done = 0
    for entry in chosen:
        with contextlib.suppress(FileNotFoundError):
            entry.segment.unlink()
            done += 1
        entry.segment.with_suffix(".txt").unlink(missing_ok=True)
    return done


def _as_writer(outbox: Path, chosen: Sequence[Entry]) -> int:
    """Link rows into a writer's directory whose lock is held until it has the name that counts."""
    word = f"{os.getpid()}-{secrets.token_hex(8)}"
    making = outbox / f".new-{word}"
    making.mkdir(mode=0o700)
    lock = os.open(making / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        done = 0
        for entry in chosen:
            with contextlib.suppress(FileNotFoundError):
                _link(entry.segment, making / f"{done + 1:06}.seg")
                done += 1
        if done:
            making.rename(outbox / f"w-{word}")
        else:
            shutil.rmtree(making)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    return done


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _entry(segment: Path) -> Entry:
    try:
        text = segment.with_suffix(".txt").read_text("utf-8", "replace").strip()
    except OSError:
        text = ""
    said = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    code = _CODE.match(said.get("code", ""))
    return Entry(
        id=segment.stem,
        segment=segment,
        when=_when(segment),
        table=said.get("table", ""),
        code=int(code[1]) if code else 0,
        name=code[2] if code else "",
        reason=said.get("reason", "unknown"),
        text=text,
    )


def _when(segment: Path) -> datetime:
    try:
        return datetime.fromtimestamp(int(segment.stem.partition("-")[0], 16) / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _holds_something(segment: Path) -> bool:
    try:
        return segment.stat().st_size > 0
    except OSError:
        return False
