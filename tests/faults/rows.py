"""What a row carries follows from its name: read by the tests, and put in front of the programs that they start."""

import zlib

SEGMENT_BYTES = 65536
"""The size of outbox file for which rows of the sized kind are made: some just fit into one, some just do not."""


def number_of(text: str) -> float:
    """The value that a row called text carries."""
    return zlib.crc32(text.encode()) / 65537.0


def size_of(name: str) -> int:
    """How many characters the text of a sized row has: 0 to 100 kB, crowded where frames, pages and files end."""
    draw = zlib.crc32(b"size " + name.encode())
    kind, rest = draw % 100, draw // 100
    if kind < 60:
        return rest % 65
    if kind < 97:
        return rest % 4200
    if kind < 98:
        return 16380 + rest % 9
    if kind < 99:
        return SEGMENT_BYTES - 2048 + rest % 2300
    return 100_000 + rest % 9


def text_of(name: str) -> str:
    """The text of a sized row: its name over and over, so that a piece of another row is seen at any place."""
    size = size_of(name)
    return (f"{name}." * (size // (len(name) + 1) + 1))[:size]
