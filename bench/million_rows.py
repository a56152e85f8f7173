"""Logs rows as fast as it can and tells: time a call, resident memory, and whether all rows arrived.

    python bench/million_rows.py [ROWS]      (1,000,000 when not given)

Ends with 1 when a row is missing or when resident memory grew by 64 MiB or more. Rows go to where the environment says; without
CLICKHOUSE_URL and GENESIS_CH_HOME to an embedded engine in a directory that is removed afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

LIMIT_BYTES = 64 << 20
WARM_ROWS = 1000
FLUSH_SECONDS = 300.0


def memory(field: str) -> int:
    """A size of this process from /proc, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def log(run: str, start: int, stop: int) -> float:
    """Log rows; the seconds it took."""
    from genesis_ch import ch_logger

    metrics = {"public": {"radius_sum": 2.61, "overlap": 0.0}, "private": {"seconds": 0.25}}
    log_individual = ch_logger.log_individual
    begun = time.perf_counter()
    for i in range(start, stop):
        log_individual(
            run, f"individual-{i}", i // 1000, f"individual-{i - 1}", "patch", i * 0.5, i * 0.25, metrics, False, 0.001
        )
    return time.perf_counter() - begun


def main(rows: int) -> int:
    """Run it and print what was measured."""
    from genesis_ch import ch_logger

    run = f"million-{os.getpid()}"
    log(run, 0, WARM_ROWS)
    assert ch_logger.flush(FLUSH_SECONDS), "the first rows did not arrive"
    before = memory("VmRSS")
    begun = time.perf_counter()
    took = log(run, WARM_ROWS, WARM_ROWS + rows)
    result = ch_logger.flush(FLUSH_SECONDS)
    arrived = time.perf_counter() - begun
    grown = memory("VmHWM") - before
    client = ch_logger.client
    assert client is not None
    query = "SELECT count(), uniqExact(individual_id) FROM individuals FINAL WHERE run_id = {run:String}"
    stored, distinct = client.query(query, parameters={"run": run}).result_rows[0]
    print(
        f"{rows} rows: {took / rows * 1e6:.2f} us a call, all stored after {arrived:.1f} s, resident memory grew by at most "
        f"{grown / 1048576:.1f} MiB, {stored} stored, {distinct} distinct, {result}"
    )
    right = stored == distinct == rows + WARM_ROWS and bool(result)
    return 0 if right and grown < LIMIT_BYTES else 1


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as place:
        if not (os.environ.get("CLICKHOUSE_URL") or os.environ.get("GENESIS_CH_HOME")):
            os.environ["GENESIS_CH_HOME"] = place
            os.environ["GENESIS_CH_SERVER_IDLE"] = "2"
        sys.exit(main(count))
