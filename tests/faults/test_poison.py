"""Rows that the server refuses, among thousands that it takes: they are found in few requests and hold up nobody."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from faults.figures import Figure
from faults.harness import Engine, clean_environment, database, engine, home, start
from faults.proxy import Proxy

__all__ = ["database", "engine", "home"]

ROWS = 10_000
SHORT_SLACK_SECONDS = 1.0
"""What a machine with other work may add; without turns the other table would wait for hundreds of requests."""
PROGRAM = """
import threading
ch_logger.connect(30)
say()
sys.stdin.readline()
ended = threading.Event()
def probe(run):
    n = 0
    while not ended.is_set():
        ch_logger.log_lineage(run, f"c{n}", "p", n, "m")
        n += 1
        time.sleep(0.02)
def probed(run, work):
    ended.clear()
    thread = threading.Thread(target=probe, args=(run,))
    thread.start()
    work()
    ended.set()
    thread.join()
probed("control", lambda: time.sleep(CONTROL))
while True:
    ch_logger.flush(20)
    say(stats=ch_logger.stats())
    words = sys.stdin.readline().split()
    if words[0] == "end":
        break
    run, bad = words[0], len(words[1:])
    before = ch_logger.stats()["rows_rejected"]
    def work():
        issue_many(run, 0, ROWS)
        while ch_logger.stats()["rows_rejected"] - before < bad:
            time.sleep(0.01)
    probed(run, work)
"""


def outbox_command(cwd: Path, environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "genesis_ch.cli", "outbox", *words],
        cwd=cwd,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


def slowest(engine: Engine, database: str, run: str) -> float:
    """The longest time from the call to the table, in seconds, of the probes of a run."""
    ask = f"SELECT max(stored_at - timestamp), count() FROM code_lineages FINAL WHERE run_id = '{run}'"
    seconds, rows = engine.ask(ask, database).split()
    assert int(rows) > 10
    return float(seconds)


def check_quarantine(listed: list[dict[str, Any]], run: str, bad: list[int]) -> None:
    """Each bad row is there once, with its values, the code and the reason; no other of the run."""
    ours = [entry for entry in listed if entry["row"]["run_id"] == run]
    assert sorted(entry["row"]["generation"] for entry in ours) == bad
    assert all((entry["table"], entry["code"], entry["name"]) == ("individuals", 469, "VIOLATED_CONSTRAINT") for entry in ours)
    assert all("sane" in entry["reason"] for entry in ours)
    assert all(entry["row"]["individual_id"] == f"{run}-{entry['row']['generation']}" for entry in ours)


def test_poison(engine: Engine, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure) -> None:
    """1, 5 and 50 refused rows of 10,000; another table is written to all the while."""
    interval = 1.0 if long_form else 0.5
    counts = [1, 5, 50] * (5 if long_form else 1)
    chance = random.Random(4)
    requests: dict[int, int] = {}
    delays: list[float] = []
    with Proxy(engine.port()) as proxy:
        environment = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_HOME": str(home)}
        text = PROGRAM.replace("CONTROL", str(3 * interval)).replace("ROWS", str(ROWS))
        program = start(text, tmp_path, **environment, GENESIS_CH_BATCH_INTERVAL=str(interval))
        program.listen()
        engine.ask("ALTER TABLE code_lineages ADD COLUMN stored_at DateTime64(3) DEFAULT now64(3)", database)
        program.tell()
        program.listen()
        control = slowest(engine, database, "control")
        for number, count in enumerate(counts):
            run, bad = f"r{number}", sorted(chance.sample(range(ROWS), count))
            refused = f"NOT (run_id = '{run}' AND generation IN ({','.join(map(str, bad))}))"
            engine.ask(f"ALTER TABLE individuals ADD CONSTRAINT sane{number} CHECK {refused}", database)
            before = len(proxy.inserts)
            program.tell(f"{run} {' '.join(map(str, bad))}")
            stats = program.listen()["stats"]
            needed = sum(request.table == "individuals" for request in proxy.inserts[before:])
            requests[count] = max(needed, requests.get(count, 0))
            assert needed <= 2 * count * math.log2(ROWS / count) + 2 * math.log2(ROWS), (count, needed)
            delays.append(slowest(engine, database, run) - control)
            assert engine.stored(run, database) == set(range(ROWS)) - set(bad)
            check_quarantine(json.loads(outbox_command(tmp_path, environment, "show", "--json"))["refused"], run, bad)
            assert (stats["rows_rejected"], stats["rows_dropped"]) == (sum(counts[: number + 1]), 0)
            assert (stats["rows_pending"], stats["rows_parked"], stats["rows_adopted"]) == (0, 0, 0)
        assert max(delays) <= interval + (0.0 if long_form else SHORT_SLACK_SECONDS), delays
        for number in range(len(counts)):
            engine.ask(f"ALTER TABLE individuals DROP CONSTRAINT sane{number}", database)
        outbox_command(tmp_path, environment, "retry", "--all")
        program.tell("last")
        assert program.listen()["stats"]["rows_adopted"] == sum(counts)
        program.tell("end")
        program.finish().quiet()
    assert all(engine.stored(f"r{number}", database) == set(range(ROWS)) for number in range(len(counts)))
    assert list(home.rglob("*.seg")) == []
    asked = ", ".join(f"{requests[count]} requests for {count}" for count in sorted(requests))
    figure(
        6,
        f"{len(counts)} batches of {ROWS} rows of which 1, 5 or 50 are refused, rows of another table every 20 ms beside them",
        f"exactly the others stored, {sum(counts)} in the quarantine with code and reason, all stored after outbox retry; "
        f"at most {asked}; the other table at most {max(0.0, max(delays)):.2f} s later than without, "
        f"batch interval {interval:.1f} s",
    )
