"""Every state that SIGKILL can leave of an outbox is recovered to whole rows: tests/c/crash_states.c steps the real code.

The writer runs one machine instruction at a time. Whenever its files have changed, their bytes are recovered by the real
adoption and compared with what the writer was told to keep; each store is also cut at its bytes.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from faults.drivers import count, memory_directory, program
from faults.figures import Figure

__all__ = ["memory_directory"]


def test_every_crash_state(long_form: bool, memory_directory: Path, figure: Figure) -> None:
    """Prefixes of a recorded life of an outbox, with the last store torn; seeds give other lengths and boundaries."""
    plain = program("crash_states")
    runs = [(plain, 100, 1, 3)]
    if long_form:
        runs = [(plain, 200, seed, 1) for seed in range(1, 4)]
        runs.append((program("crash_states", sanitized=True), 60, 4, 8))
    seen: Counter[str] = Counter()
    for number, (path, rows, seed, every) in enumerate(runs):
        seen += count(path, memory_directory / str(number), rows, seed, every)
    assert seen["states"] >= 10_000 and seen["torn"] > seen["states"] // 2
    assert seen["made"] >= 2 and seen["recycled"] >= 1 and seen["file_steps"] >= 20
    assert seen["exact"] >= 1 and seen["too_large"] >= 1
    assert seen["in_flight"] >= seen["rows"] * 0.9 and seen["again"] > 0
    assert seen["recovered"] > seen["states"]
    done = (
        f"{seen['rows']:,} appends with rotation, delivery, recycling, parking and quarantine, run instruction by instruction "
        f"({seen['instructions']:,}); {seen['stores']:,} changes of files, {seen['torn']:,} states with one of them cut"
    )
    found = f"{seen['states']:,} states, each recovered to exactly its rows; a recovery cut half-way and repeated gave the same"
    figure(2, done, found)
