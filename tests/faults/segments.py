"""Changes the marks in the header of an outbox file, and makes files of frames; the layout is that of csrc/segment_format.h."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

ID_AT = 8
LATER_AT = 64
MASK = (1 << 64) - 1


def mark(segment_id: int, value: int) -> bytes:
    """A number with its check beside it."""
    return struct.pack("<QQ", value, ~(value ^ (segment_id * 0x9E3779B97F4A7C15 & MASK)) & MASK)


def crc32c(data: bytes, seed: int = 0) -> int:
    """The CRC-32C of a few bytes."""
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def forge(frames: Sequence[tuple[int, int, bytes]], segment_id: int = 7) -> bytes:
    """A file of frames (kind, table, payload) that pass every check, whatever is in them."""
    data = bytearray(128)
    for kind, table, payload in frames:
        head = struct.pack("<IIBBH", len(payload), crc32c(payload, segment_id), kind, table, 0)
        check = crc32c(head + struct.pack("<Q", len(data)), segment_id)
        data += head + struct.pack("<I", check) + payload
        data += bytes(-len(data) % 8)
    data += bytes(16)
    fixed = b"GCHSEG1\n" + struct.pack("<QQ", segment_id, len(data))
    fixed += struct.pack("<I", crc32c(fixed))
    data[: len(fixed)] = data[80 : 80 + len(fixed)] = fixed
    return bytes(data)


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
