"""What a log call costs the experiment, against the least that a logger in Python has to do.

The peer builds the same row as a dict, turns it into JSON with json.dumps and hands it to a thread with queue.Queue.put; it writes
nothing to disk and sends nothing. Both take the same keywords. Rounds alternate, and the ratio is taken round by round, so
that a noisy machine disturbs both alike. Delivery is held back while rounds run: the question is what the caller pays.

    python bench/log_calls.py [--rounds N] [--calls N]
"""

from __future__ import annotations

import argparse
import gc
import json
import queue
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from genesis_ch import ch_logger

HASH = "a3f5d8b9c1e2" * 5
FLAT = {"accuracy": 0.9512345678901234, "size": 1024, "speed": 2.5123, "memory": 512.25, "loss": 0.0123456789}
NESTED = {
    "public": {"centers_str": "  centers[0] = (0.5000, 0.5000)\n" * 26, "num_circles": 26},
    "private": {"reported_sum_of_radii": 0.9597642169962064},
}
Log = Callable[..., None]


def calls(log: Log, count: int, metrics: dict[str, Any]) -> float:
    """Seconds for one call of log, on average over count calls."""
    start = time.perf_counter()
    for _ in range(count):
        log(
            run_id="run_20240115_142345",
            individual_id="ind_gen5_123",
            generation=5,
            parent_id="ind_gen4_087",
            mutation_type="mutate",
            fitness_score=0.9512345678901234,
            combined_score=0.9034567,
            metrics=metrics,
            is_pareto=True,
            api_cost=0.05,
            embed_cost=0.001,
            novelty_cost=0.002,
            code_hash=HASH,
            code_size=1024,
        )
    return (time.perf_counter() - start) / count


def peer() -> Log:
    rows: queue.Queue[str] = queue.Queue()

    def log(**values: Any) -> None:
        rows.put(json.dumps(values))

    return log


def compare(name: str, metrics: dict[str, Any], rounds: int, count: int) -> None:
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(calls(ch_logger.log_individual, count, metrics))
        theirs.append(calls(peer(), count, metrics))
        gc.collect()
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    print(
        f"{name:14} log_individual {statistics.median(ours) * 1e6:6.3f} us   json.dumps + Queue.put "
        f"{statistics.median(theirs) * 1e6:7.3f} us   ratio {statistics.median(ratios):5.1f} "
        f"(lowest {min(ratios):.1f}, highest {max(ratios):.1f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        ch_logger.configure(
            mode="http", url="http://127.0.0.1:9/", home=home, batch_interval=3600, batch_bytes=1 << 27, close_timeout=0
        )
        calls(ch_logger.log_individual, 1000, FLAT)
        compare("flat metrics", FLAT, options.rounds, options.calls)
        compare("nested, 1 kB", NESTED, options.rounds, options.calls // 2)
        ch_logger.close(0)


if __name__ == "__main__":
    main()
