"""Reads and changes the marks in the header of an outbox file; the layout is that of csrc/segment_format.h."""

from __future__ import annotations

import struct
from pathlib import Path

ID_AT = 8
LATER_AT = 64
MASK = (1 << 64) - 1


def mark(segment_id: int, value: int) -> bytes:
    """A number with its check beside it."""
    return struct.pack("<QQ", value, ~(value ^ (segment_id * 0x9E3779B97F4A7C15 & MASK)) & MASK)


def clear_not_before(path: Path) -> bool:
    """Let a parked segment be tried at once; False when it is not a parked one."""
    with path.open("r+b") as file:
        header = file.read(128)
        (segment_id,) = struct.unpack_from("<Q", header, ID_AT)
        (later,) = struct.unpack_from("<Q", header, LATER_AT)
        if later == 0 or header[LATER_AT : LATER_AT + 16] != mark(segment_id, later):
            return False
        file.seek(LATER_AT)
        file.write(mark(segment_id, 1))
    return True
