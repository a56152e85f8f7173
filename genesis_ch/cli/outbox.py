"""What lies in an outbox, looked at from outside: rows that wait, and rows in quarantine.

Reads the files that csrc/segment.h describes and changes nothing, so it may look while their writers write.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

try:
    import fcntl
except ImportError:  # no such locks here: every writer counts as alive
    fcntl = None  # type: ignore[assignment]

MAGIC = b"GCHSEG1\n"
HEADER = 128
ID_AT, ACKED_AT = 8, 32
FRAME = struct.Struct("<IIBBHI")
ROW, UPDATE = 1, 3
COUNT_MAX = 200_000
"""Rows that are counted before the counting stops: it is for people, and takes 5 µs a row."""


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
            rows += waiting_rows(segment, COUNT_MAX - found.waiting - rows)
        found.waiting += rows
        found.orphaned += rows if _has_ended(writer) else 0
    for reason in path.glob("quarantine/*.txt"):
        found.refused[_read(reason).decode("utf-8", "replace").strip()] += 1
    found.damaged = sum(1 for _ in path.glob("damaged/*"))
    return found


def waiting_rows(segment: Path, limit: int = COUNT_MAX) -> int:
    """Return how many rows of a segment are not acknowledged, at most `limit`."""
    data = _read(segment)
    if len(data) < HEADER or not data.startswith(MAGIC):
        return 0
    rows = 0
    for kind in _frames(data):
        rows += kind in (ROW, UPDATE)
        if rows >= limit:
            break
    return rows


def _frames(data: bytes) -> Iterator[int]:
    """Yield the kind of every frame behind the acknowledged ones, up to the first that does not pass its check."""
    (number,) = struct.unpack_from("<Q", data, ID_AT)
    acked, check = struct.unpack_from("<QQ", data, ACKED_AT)
    mask = (1 << 64) - 1
    seen = acked if check == ~(acked ^ (number * 0x9E3779B97F4A7C15 & mask)) & mask else 0
    seed = (number ^ number >> 32) & 0xFFFFFFFF
    offset = HEADER
    while offset + FRAME.size <= len(data):
        length, _, kind, _, _, check = FRAME.unpack_from(data, offset)
        if not length or check != crc32c(data[offset : offset + 12] + struct.pack("<Q", offset), seed):
            return
        if offset >= seen:
            yield kind
        offset += FRAME.size + length + 7 & ~7


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def crc32c(data: bytes, seed: int = 0) -> int:
    """Return the CRC-32C of a few bytes."""
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
