"""A file of the outbox is hurt in one place: what is lost, and whether it is told. tests/c/corruption.c reads it with the real code.

A flipped bit costs at most the row that it is in, is counted, and the damaged file is kept. What no check covers (padding,
marks, what is behind the end) costs nothing.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults.drivers import count, memory_directory, program
from faults.figures import Figure

__all__ = ["memory_directory"]

KINDS = ("sealed", "open", "recycled")
"""A full file; one that a crash left; one that a crash left in its second life, with old bytes behind its end."""
BITS = 65536 * 8


def test_every_flip_and_every_cut(long_form: bool, memory_directory: Path, figure: Figure) -> None:
    """Each bit of 64 KiB flipped and a cut at each byte (one in 61 in the short form), for three kinds of files."""
    every = 1 if long_form else 61
    path = program("corruption")
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda kind: count(path, memory_directory / kind, "read", kind, every, every // 2), KINDS)
        )
    seen = sum(found, Counter())
    for one in found:
        assert abs(one["flips"] - BITS / every) <= 1 and abs(one["cuts"] - 65536 / every) <= 1
        assert one["lost_one"] + one["mended"] + one["harmless"] == one["flips"]
        assert one["lost_one"] > one["flips"] * 0.5 and one["mended"] > 0
    assert seen["slowest_us"] < 10_000_000
    figure(
        3,
        f"{seen['flips']:,} single-bit flips and {seen['cuts']:,} cuts of 64 KiB segments: full, left open, and recycled",
        f"{seen['lost_one']:,} flips cost the one row they hit and {seen['mended']:,} cost none, all of these counted; "
        f"{seen['harmless']:,} were in bytes that mean nothing; no other row was lost or altered",
    )


@pytest.mark.parametrize("sanitized", [False, True], ids=["plain", "sanitized"])
def test_adoption_of_damaged_files(sanitized: bool, long_form: bool, memory_directory: Path, figure: Figure) -> None:
    """The whole way: a dead process's outbox with a flipped bit, overwritten bytes, a page of zeros or a cut is adopted."""
    if sanitized and not long_form:
        pytest.skip("the sanitizers read damaged files in the long form")
    path = program("corruption", sanitized)
    rounds = 20_000 if long_form and not sanitized else 2_000 if long_form else 500
    seen: Counter[str] = Counter()
    for seed, kind in enumerate(KINDS):
        seen += count(path, memory_directory / kind, "adopt", kind, rounds, seed + 1)
        if sanitized:
            seen += count(path, memory_directory / f"read-{kind}", "read", kind, 53, seed)
    assert seen["adopted"] == 3 * rounds and seen["kept"] > rounds and seen["lost"] > rounds
    figure(
        3,
        f"{seen['adopted']:,} adoptions of a file with random damage{' under ASan and UBSan' if sanitized else ''}",
        f"{seen['kept']:,} damaged files kept: each that had lost a row and was not empty; all rows whose bytes and schema are whole were delivered, none altered",
    )
