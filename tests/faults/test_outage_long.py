"""A server that is away for long: memory and disk stay under their caps, it is asked less and less often and not before it
asks to be, and when it is back what waited arrives much faster than it came.
"""

from __future__ import annotations

import contextlib
import email.utils
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from faults.audit import audit
from faults.figures import Figure
from faults.harness import Engine, Program, conserved, database, engine, home, start
from faults.proxy import Fault, Proxy, Reply, Request, Stall

__all__ = ["database", "engine", "home"]

ROWS_PER_SECOND = 5000
DRAIN_RATIO = 5
RETRY_BASE = 0.1
RETRY_MAX = 60.0
"""The back-off of csrc/retry.h, in seconds."""
TICK = 0.3
"""What the sender may take beyond a delay, on a busy machine."""
MEMORY_KIB = 64 << 10
"""What a backlog may add to resident memory, mapped files included."""

PRODUCER = """
import hashlib, threading
ROWS = int(os.environ["ROWS_PER_SECOND"])
TICK = 0.02
wanted = "run"
def listen():
    global wanted
    while (word := sys.stdin.readline().strip()) == "flush":
        ch_logger.flush(0.05)
    wanted = word
threading.Thread(target=listen, daemon=True).start()

def issue_many(run, start, stop):
    for i in range(start, stop):
        name = f"{run}-{i}"
        value = number_of(name)
        ch_logger.log_individual(run, name, i, "p" + name, "m", value, -value, {"score": value}, i % 2 == 0,
                                 code_hash=hashlib.sha512(name.encode()).hexdigest())

def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

per_tick = max(1, int(ROWS * TICK))
i = tick = 0
begun = time.monotonic()
while wanted == "run":
    issue_many("r", i, i + per_tick)
    i += per_tick
    tick += 1
    if tick % 10 == 0:
        stats = ch_logger.stats()
        say(at=time.monotonic(), rows=i, rss=resident(), lines=len(lines), **{name: stats[name] for name in (
            "rows_delivered", "rows_pending", "rows_dropped", "requests", "outbox_bytes", "outbox_backlog_bytes")})
    time.sleep(max(0.0, begun + tick * TICK - time.monotonic()))
result = ch_logger.flush(120)
say(rows=i, result=result.__dict__, lines=lines, stats=ch_logger.stats())
"""


@dataclass
class Watch:
    """Reads what the producer says, and looks at the files of its outbox."""

    program: Program
    home: Path
    samples: list[dict[str, Any]] = field(default_factory=list)

    def sample(self) -> dict[str, Any]:
        said = self.program.listen()
        said["disk"] = disk_bytes(self.home)
        self.samples.append(said)
        return said

    def until(self, done: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """Sample until a sample fulfils done; fail after seconds."""
        deadline = time.monotonic() + seconds
        while True:
            said = self.sample()
            if done(said):
                return said
            assert time.monotonic() < deadline, said

    def for_seconds(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.sample()

    def most(self, name: str) -> int:
        return max(int(sample[name]) for sample in self.samples)


def disk_bytes(home: Path) -> int:
    """What the files of an outbox take on the disk; they come and go while this looks."""
    total = 0
    for path in home.rglob("*.seg"):
        with contextlib.suppress(FileNotFoundError):
            total += os.stat(path).st_blocks * 512
    return total


class Road:
    """The way to the engine: open, closed (connections are refused), or open with a fault. The port stays the same."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.fault: Fault = None
        self.asked: list[float] = []
        self.proxy = Proxy(engine.port(), self.plan)
        self.port = self.proxy.port

    def plan(self, request: Request) -> Fault:
        self.asked.append(time.monotonic())
        if request.number > 0:
            self.proxy.requests[request.number - 1].body = b""
        return self.fault

    def close(self) -> None:
        self.proxy.close()

    def open(self, fault: Fault = None) -> None:
        """Listen again."""
        self.fault = fault
        self.proxy = Proxy(self.engine.port(), self.plan, port=self.port)


@pytest.fixture
def road(engine: Engine) -> Iterator[Road]:
    made = Road(engine)
    yield made
    made.close()


def schedule(seconds: float, each: float) -> tuple[int, int]:
    """How many attempts a full-jitter back-off makes in so many seconds of which each attempt takes some: bounds that one run
    in many thousands passes. Simulated, because the sum of such delays has no short formula."""
    counts = []
    for seed in range(20_000):
        draw = random.Random(seed)
        at, n = 0.0, 0
        while at < seconds:
            at += each + draw.uniform(0, min(RETRY_MAX, RETRY_BASE * 2.0**n))
            n += 1
        counts.append(n)
    return min(counts), max(counts)


def check_gaps(times: list[float], attempts: int, each: float) -> None:
    """No pause is longer than the schedule's behind so many attempts."""
    for n, (before, after) in enumerate(zip(times, times[1:], strict=False), attempts):
        assert after - before <= min(RETRY_MAX, RETRY_BASE * 2.0**n) + each + 2 * TICK, (n, times)


def test_away_for_minutes(
    engine: Engine, road: Road, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """Refused, then hanging, then answering 500; the producer goes on logging all the while."""
    away = 600.0 if long_form else 2.7
    stall = 10.0 if long_form else 1.0
    env = {
        "CLICKHOUSE_URL": engine.url(database, road.port),
        "GENESIS_CH_HOME": str(home),
        "ROWS_PER_SECOND": str(ROWS_PER_SECOND),
        "GENESIS_CH_REQUEST_TIMEOUT": str(stall),
        "GENESIS_CH_BATCH_INTERVAL": "0.2",
    }
    watch = Watch(start(PRODUCER, tmp_path, **env), home)

    def hurry() -> None:
        """The short form does not wait for the back-off: flush() asks at once."""
        if not long_form:
            watch.program.tell("flush")

    before = watch.until(lambda said: said["rows_delivered"] > ROWS_PER_SECOND // 2, 30)
    road.close()
    gone = time.monotonic()
    watch.for_seconds(away / 3)
    refused = watch.samples[-1]["requests"] - before["requests"]
    road.asked.clear()
    road.open(Stall(stall + 1, passed_on=False))
    hurry()
    watch.for_seconds(away / 3)
    hung = len(road.asked)
    road.fault = Reply(500, {}, b"out of order")
    hurry()
    watch.for_seconds(away / 3)
    asked = list(road.asked)
    at_return = watch.sample()
    requests = at_return["requests"] - before["requests"]
    road.fault = None
    back = time.monotonic()
    hurry()
    first = watch.until(lambda said: said["rows_delivered"] > at_return["rows_delivered"], RETRY_MAX + stall + 10)
    waited = time.monotonic() - back
    empty = watch.until(lambda said: said["rows_pending"] < ROWS_PER_SECOND, 200)
    watch.program.tell("end")
    said = last_words(watch.program)
    backlog = first["rows_pending"] + first["rows_delivered"] - at_return["rows_delivered"]
    seconds = empty["at"] - first["at"] + 0.2
    drained = empty["rows_delivered"] - at_return["rows_delivered"]
    shrunk = backlog - empty["rows_pending"]
    print(
        f"away {back - gone:.0f} s, {refused} refused, {requests} requests, asked {[round(at - gone, 1) for at in asked]}, "
        f"backlog {backlog} rows, {at_return['outbox_backlog_bytes'] >> 20} MiB, noticed after {waited:.1f} s, drained {drained} "
        f"in {seconds:.1f} s: {drained / seconds:.0f} rows/s, shrunk {shrunk / seconds:.0f} rows/s, "
        f"RSS {before['rss']} -> {watch.most('rss')} KiB, disk {watch.most('disk') >> 20} MiB"
    )
    conserved(said["result"], said["rows"])
    found = audit(engine, "r", database, said["rows"])
    assert (found.rows, found.distinct, found.missing, found.altered) == (said["rows"], said["rows"], 0, 0)
    assert said["stats"]["rows_dropped"] == 0 and len(said["lines"]) == 2, said["lines"]
    least, most = schedule(back - gone, 0.0)
    assert requests <= most + (0 if long_form else 3), (requests, most)
    assert refused >= 2 and 1 <= hung < len(asked)
    check_gaps(asked, refused, stall)
    assert watch.most("rss") < before["rss"] + MEMORY_KIB
    assert watch.most("disk") <= 1 << 30 and watch.most("outbox_bytes") <= 1 << 30
    assert at_return["rows_pending"] > 0.9 * ROWS_PER_SECOND * away * 0.8
    assert drained / seconds >= DRAIN_RATIO * ROWS_PER_SECOND
    figure(
        8,
        f"server away for {back - gone:.0f} s (refused, hanging, 500) at {ROWS_PER_SECOND} rows/s: backlog of {backlog} rows, "
        f"{at_return['outbox_backlog_bytes'] >> 20} MiB",
        f"{requests} requests (a full-jitter schedule makes {least} to {most}); resident memory grew by "
        f"{(watch.most('rss') - before['rss']) / 1024:.0f} MiB, the outbox took {watch.most('disk') >> 20} MiB of 1024; noticed "
        f"{waited:.0f} s after its return, then drained at {drained / seconds:.0f} rows/s while {ROWS_PER_SECOND} rows/s came in: "
        f"{drained / seconds / ROWS_PER_SECOND:.1f} times as fast (the backlog alone shrank by {shrunk / seconds:.0f} rows/s); {found.rows} rows, 0 lost, 0 doubled, 0 altered",
    )


def last_words(program: Program) -> dict[str, Any]:
    while True:
        said = program.listen(150)
        if "result" in said:
            outcome = program.finish()
            assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
            return said


def test_cap_in_an_outage(
    engine: Engine, road: Road, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """The outbox reaches its cap: the newest rows are refused and counted, said once; the others arrive, and so do later ones."""
    cap = (64 if long_form else 1) << 20
    env = {
        "CLICKHOUSE_URL": engine.url(database, road.port),
        "GENESIS_CH_HOME": str(home),
        "ROWS_PER_SECOND": str(ROWS_PER_SECOND * 2),
        "GENESIS_CH_OUTBOX_MAX_BYTES": str(cap),
    }
    road.close()
    watch = Watch(start(PRODUCER, tmp_path, **env), home)
    first = watch.until(lambda said: said["rows_dropped"] > 0, 90)
    watch.for_seconds(20 if long_form else 0.5)
    full = watch.sample()
    road.open()
    if not long_form:
        watch.program.tell("flush")
    watch.until(lambda said: said["rows_delivered"] > 0 and said["rows_pending"] < ROWS_PER_SECOND, RETRY_MAX + 30)
    after = watch.sample()
    watch.until(lambda said: said["rows"] > after["rows"] + 1000, 30)
    watch.program.tell("end")
    said = last_words(watch.program)
    conserved(said["result"], said["rows"])
    dropped = said["result"]["dropped"]
    assert full["rows_dropped"] > first["rows_dropped"] > 0 and said["result"]["pending"] == 0
    found = audit(engine, "r", database, said["rows"])
    assert (found.rows, found.distinct, found.altered) == (said["rows"] - dropped, said["rows"] - dropped, 0)
    assert found.missing == dropped and found.most == said["rows"] - 1
    oldest = first["rows"] - first["rows_dropped"]
    sql = f"SELECT count() FROM individuals FINAL WHERE generation < {oldest}"
    assert int(engine.ask(sql, database)) == oldest, "the newest are refused, not the oldest"
    assert watch.most("disk") <= cap and watch.most("outbox_bytes") <= cap
    assert len([line for line in said["lines"] if "at its cap" in line]) == 1, said["lines"]
    figure(
        8,
        f"outage with an outbox of at most {cap >> 20} MiB",
        f"at most {watch.most('disk') >> 20} MiB on disk; the newest {dropped} of {said['rows']} rows refused, counted and said "
        f"once; the other {found.rows} stored once",
    )


RETRY_AFTER = """
ch_logger.connect(30)
for i in range(10):
    issue("r", i)
time.sleep(float(os.environ["SECONDS"]))
say(result=ch_logger.flush(20).__dict__)
"""


class Busy:
    """Takes no rows before a moment, and says when to come again; notes when it was asked too early."""

    def __init__(self, status: int, seconds: float, as_date: bool, times: int) -> None:
        self.status, self.seconds, self.as_date, self.times = status, seconds, as_date, times
        self.until = 0.0
        self.early: list[float] = []
        self.refusals = 0
        self.taken_at = 0.0

    def plan(self, request: Request) -> Fault:
        now = time.time()
        if self.until > 0 and now < self.until:
            self.early.append(self.until - now)
        if not request.is_insert:
            return None
        if self.refusals >= self.times:
            self.taken_at = self.taken_at or now
            return None
        self.refusals += 1
        self.until = float(int(now + self.seconds)) if self.as_date else now + self.seconds
        value = email.utils.formatdate(self.until, usegmt=True) if self.as_date else str(int(self.seconds))
        return Reply(self.status, {"Retry-After": value}, b"busy")


def test_retry_after_is_obeyed(engine: Engine, database: str, tmp_path: Path, long_form: bool, figure: Figure) -> None:
    """503 and 429, with seconds and with a date: nothing is asked before, in the long form twice in a row, and soon after."""
    seconds, times = (30.0, 2) if long_form else (2.0, 1)
    cases = {
        f"c{status}{as_date:d}": Busy(status, seconds, as_date, times)
        for status in (503, 429)
        for as_date in (False, True)
    }
    with contextlib.ExitStack() as held:
        programs = []
        for name, busy in cases.items():
            proxy = held.enter_context(Proxy(engine.port(), busy.plan))
            url = engine.url(f"{database}{name}", proxy.port)
            env = {"CLICKHOUSE_URL": url, "GENESIS_CH_HOME": str(tmp_path / name), "SECONDS": str(times * seconds + 1)}
            programs.append(start(RETRY_AFTER, tmp_path, **env))
        for program in programs:
            assert program.finish(3 * seconds + 60).quiet().said[0]["result"]["pending"] == 0
    for name, busy in cases.items():
        assert busy.refusals == times and busy.early == [], (name, busy.early)
        assert 0 < busy.taken_at - busy.until < 5, (name, busy.taken_at, busy.until)
        assert audit(engine, "r", database + name, 10).rows == 10
    figure(
        8,
        f"Retry-After of {seconds:.0f} s, in seconds and as a date, with 503 and 429: {sum(busy.refusals for busy in cases.values())} refusals",
        "no request before the time asked for; rows taken at most "
        f"{max(busy.taken_at - busy.until for busy in cases.values()):.1f} s after it",
    )
