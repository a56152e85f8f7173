"""Reads, changes and makes outbox files: marks in the header, frames; the layout is that of csrc/segment_format.h."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HEADER = 128
FRAME_HEADER = 16
SCHEMA = 2
ID_AT = 8
ACKED_AT = 32
SEALED_AT = 48
LATER_AT = 64
MASK = (1 << 64) - 1


def mark(number: int, value: int) -> bytes:
    """A number with its check beside it."""
    return struct.pack("<QQ", value, ~(value ^ (number * 0x9E3779B97F4A7C15 & MASK)) & MASK)


def crc32c(data: bytes, seed: int = 0) -> int:
    """The CRC-32C of a few bytes."""
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_OF_BYTE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _crc_of_byte(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


CRC_OF_BYTE = [_crc_of_byte(byte) for byte in range(256)]


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
        (number,) = struct.unpack_from("<Q", header, ID_AT)
        (later,) = struct.unpack_from("<Q", header, LATER_AT)
        if later == 0 or header[LATER_AT : LATER_AT + 16] != mark(number, later):
            return False
        file.seek(LATER_AT)
        file.write(mark(number, 1))
    return True


@dataclass(frozen=True)
class Frame:
    """Where a frame stands in its file, and the first number of its payload: a fault driver's row is called by it."""

    start: int
    size: int
    kind: int
    table: int
    number: int


def frames(path: Path) -> list[Frame]:
    """The frames of a file that was never damaged in a length."""
    data = path.read_bytes()
    found = []
    at = HEADER
    while at + FRAME_HEADER <= len(data):
        size, _, kind, table = struct.unpack_from("<IIBB", data, at)
        if size == 0:
            break
        (number,) = struct.unpack_from("<I", data, at + FRAME_HEADER)
        found.append(Frame(at, size, kind, table, number))
        at += (FRAME_HEADER + size + 7) & ~7
    return found


def is_sealed(path: Path) -> bool:
    """Whether the writer had gone on in another file."""
    header = path.read_bytes()[:HEADER]
    (end,) = struct.unpack_from("<Q", header, SEALED_AT)
    return header[SEALED_AT : SEALED_AT + 16] == mark(segment_id(path), end)


def acked(path: Path) -> int:
    """How far delivery had come, 0 when it is not said."""
    header = path.read_bytes()[:HEADER]
    (at,) = struct.unpack_from("<Q", header, ACKED_AT)
    return at if header[ACKED_AT : ACKED_AT + 16] == mark(segment_id(path), at) else 0


def segment_id(path: Path) -> int:
    """A number that grows with every file that is made."""
    (found,) = struct.unpack_from("<Q", path.read_bytes().ljust(HEADER, b"\0"), ID_AT)
    return int(found)
