"""log_individual as fast as a loop can call it: does everything arrive, and what does it cost in memory?

    python bench/million_rows.py [--rows N]

Ends with exit code 1 when a row is missing or resident memory grew by 64 MiB or more.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

from genesis_ch import ch_logger

MEMORY_MAX_MIB = 64
METRICS = {"accuracy": 0.9512345678901234, "size": 1024, "speed": 2.5123, "memory": 512.25}


def resident_mib(field: str) -> float:
    """VmRSS or VmHWM of this process in MiB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {field}")
    return int(found[1]) / 1024


def log_rows(rows: int) -> float:
    log = ch_logger.log_individual
    start = time.perf_counter()
    for i in range(rows):
        log("million", f"ind_{i}", i // 1000, f"ind_{i - 1}", "mutate", i / rows, 1.0, METRICS, i % 10 == 0, api_cost=0.05)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as home:
        ch_logger.configure(mode="embedded", home=home)
        ch_logger.log_generation("million", 0, 0, 0.0, 0.0, 0)
        ch_logger.flush(60)
        client = ch_logger.client
        if client is None:
            return 1
        before = resident_mib("VmRSS")
        seconds = log_rows(rows)
        peak = resident_mib("VmHWM")
        start = time.perf_counter()
        result = ch_logger.flush(600)
        waited = time.perf_counter() - start
        stored = client.query("SELECT count(), uniqExact(individual_id) FROM individuals").result_rows[0]
        grown = max(peak, resident_mib("VmHWM")) - before
        stats = ch_logger.stats()
        print(f"{rows} calls in {seconds:.2f} s: {seconds / rows * 1e6:.2f} us each; delivered {waited:.2f} s after the last")
        print(f"stored {stored[0]}, distinct {stored[1]}; resident memory grew by {grown:.1f} MiB at most; {result}")
        print(f"files made {stats['segments_created']}, used again {stats['segments_recycled']}, made by the caller {stats['segments_inline']}")
        ch_logger.close()
    return 0 if stored == (rows, rows) and grown < MEMORY_MAX_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
