"""The caller never waits: what log_individual takes while server or disk misbehave, beside a call that does nothing.

Each state is a program of its own that logs in bursts and pauses; they take turns, so that what else the machine does
hits all alike. Every call is followed by one of a builtin with the same arguments. Times longer than a moment are looked
into: a thread that was only preempted did not wait of its own doing, one that slept, on a lock or for the disk, did.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cbuild import Builder
from faults.figures import Figure
from faults.harness import Engine, Program, database, engine, start
from faults.proxy import Proxy, Reply, Stall

__all__ = ["database", "engine"]

HERE = Path(__file__).resolve().parent
RATIO = 3
OWN_NS = 1_000_000
SLOW_MS = 300

MEASURE = """
import ctypes, resource, threading
usage, thread, cpu, clock = resource.getrusage, resource.RUSAGE_THREAD, time.thread_time_ns, time.perf_counter_ns
log, nothing = ch_logger.log_individual, "".format
MOMENT, BATCH, PAUSE = 20_000, 20, 0.002

class Times:
    \"\"\"Times of one callable, in ns: own is without what other processes took; waits are calls that slept.\"\"\"

    def __init__(self):
        self.own, self.wall, self.waits = [], [], []

    def look(self, took, used, before, after):
        self.wall.append(took)
        if after.ru_nvcsw > before.ru_nvcsw:
            self.waits.append(took)
            self.own.append(took)
        else:
            self.own.append(used if after.ru_nivcsw > before.ru_nivcsw else took)

    def told(self):
        own, wall = sorted(self.own), sorted(self.wall)
        at = lambda times, share: times[min(len(times) - 1, int(len(times) * share))]
        return {"count": len(own), "p50": at(own, 0.5), "p99": at(own, 0.99), "p999": at(own, 0.999), "most": own[-1],
                "wall_p999": at(wall, 0.999), "wall_most": wall[-1], "waits": len(self.waits),
                "over": sum(took > 1_000_000 for took in own), "worst": own[-5:]}

def burst(run, start, count, logged, control):
    begun = time.monotonic()
    for i in range(start, start + count):
        name = f"{run}-{i}"
        value = number_of(name)
        row = (run, name, i, "p" + name, "m", value, -value, {"score": value}, i % 2 == 0)
        for call, times in ((log, logged), (nothing, control)) if i % 2 else ((nothing, control), (log, logged)):
            before, used, at = usage(thread), cpu(), clock()
            call(*row)
            took = clock() - at
            if took < MOMENT:
                times.own.append(took)
                times.wall.append(took)
            else:
                used = cpu() - used
                times.look(took, used, before, usage(thread))
        if i % BATCH == 0:
            time.sleep(max(0.0, begun + PAUSE * (i - start) / BATCH - time.monotonic()))

import gc
gc.disable()
slow = ctypes.CDLL(None)
one, several = (Times(), Times()), [(Times(), Times()) for _ in range(4)]
burst("w", 0, 2000, Times(), Times())
if "LD_PRELOAD" in os.environ:
    ctypes.c_int.in_dll(slow, "slow_disk_ms").value = int(os.environ["SLOW_MS"])
say(ready=True)
at, starts = 0, [0] * 4
while (word := sys.stdin.readline().split()):
    count = int(word[1])
    if word[0] == "one":
        burst("one", at, count, *one)
        at += count
    else:
        threads = [threading.Thread(target=burst, args=(f"t{k}", starts[k], count // 4, *several[k])) for k in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        starts = [each + count // 4 for each in starts]
    say(done=True)
def joined(part):
    whole = Times()
    for pair in several:
        whole.own += pair[part].own
        whole.wall += pair[part].wall
        whole.waits += pair[part].waits
    return whole.told()
calls = ctypes.c_long.in_dll(slow, "slow_disk_calls").value if "LD_PRELOAD" in os.environ else 0
say(one=[times.told() for times in one], several=[joined(0), joined(1)], stats=ch_logger.stats(), slowed=calls)
if calls:
    ctypes.c_int.in_dll(slow, "slow_disk_ms").value = 0
ch_logger.close(0)
"""


@contextlib.contextmanager
def syn_dropped() -> Iterator[int]:
    """A port whose queue of connections is full: the kernel drops every further SYN."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as held:
        port = int(listener.getsockname()[1])
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        else:
            raise AssertionError("connections do not hang")
        yield port


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own, when root asks."""
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield place / "no" / "file"
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@dataclass
class State:
    """A program in a world of its own."""

    name: str
    program: Program

    def measure(self, kind: str, count: int) -> None:
        self.program.tell(f"{kind} {count}")
        self.program.listen(200)

    def results(self) -> dict[str, Any]:
        """What it measured; ends it."""
        self.program.tell("")
        said = self.program.listen(200)
        outcome = self.program.finish()
        assert (outcome.status, outcome.out, outcome.err) == (0, "", ""), (self.name, outcome)
        return said


class World:
    """Starts the states and ends what they needed."""

    def __init__(self, engine: Engine, database: str, tmp_path: Path) -> None:
        self.engine, self.database, self.tmp_path = engine, database, tmp_path
        self.held = contextlib.ExitStack()
        self.proxies: dict[str, Proxy] = {}

    def start(self, name: str, url: str, home: Path | None = None, **env: str) -> State:
        common = {
            "CLICKHOUSE_URL": url,
            "GENESIS_CH_HOME": str(home or self.tmp_path / name.replace(" ", "-")),
            "GENESIS_CH_REQUEST_TIMEOUT": "1",
            "GENESIS_CH_CONNECT_TIMEOUT": "1",
        }
        state = State(name, start(MEASURE, self.tmp_path, **common, **env))
        assert state.program.listen()["ready"]
        return state

    def proxy(self, name: str, fault: Reply | Stall) -> str:
        proxy = self.held.enter_context(Proxy(self.engine.port(), lambda request: fault))
        self.proxies[name] = proxy
        return self.engine.url(self.database, proxy.port)

    def states(self) -> list[State]:
        """One for each way to misbehave; the first is healthy."""
        up = self.engine.url(self.database)
        token = self.engine.endpoint()["token"]
        silent = self.held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64)).getsockname()[1]
        hung = self.held.enter_context(syn_dropped())
        disk = self.held.enter_context(small_disk(self.tmp_path / "disk", "400k"))
        shim = Builder(self.tmp_path).link("slow_disk.so", [HERE / "slow_disk.c"], (), ("-shared", "-fPIC"))
        return [
            self.start("up", up),
            self.start("SYN dropped", self.engine.url(self.database, hung)),
            self.start("stalling", self.proxy("stalling", Stall(1.5, passed_on=False))),
            self.start("500", self.proxy("500", Reply(500, {}, b"out of order"))),
            self.start("hanging in TLS", f"https://default:{token}@127.0.0.1:{silent}/"),
            self.start("slow disk", up, LD_PRELOAD=str(shim), SLOW_MS=str(SLOW_MS)),
            self.start("full disk", up, disk / "home", GENESIS_CH_SEGMENT_BYTES="262144"),
            self.start("outbox at its cap", self.engine.url(self.database, hung), GENESIS_CH_OUTBOX_MAX_BYTES="1048576"),
        ]


@pytest.fixture
def world(engine: Engine, database: str, tmp_path: Path) -> Iterator[World]:
    made = World(engine, database, tmp_path)
    with made.held:
        yield made


def show(name: str, found: Mapping[str, Any]) -> None:
    for kind in ("one", "several"):
        print(f"{name:18} {kind:8}", *({k: v for k, v in part.items()} for part in found[kind]))
    stats = found["stats"]
    print(" " * 20, {k: stats[k] for k in ("rows_dropped", "requests", "segments_created", "segments_inline", "segments_recycled", "outbox_bytes")}, found["slowed"])


def test_log_individual_never_waits(world: World, long_form: bool, figure: Figure) -> None:
    rounds, calls, threaded = (10, 20_000, 6_000) if long_form else (2, 3_000, 1_000)
    rounds = int(os.environ.get("ROUNDS", rounds))
    states = world.states()
    for _ in range(rounds):
        for kind, count in (("one", calls), ("several", threaded)):
            for state in states:
                state.measure(kind, count)
    found = {state.name: state.results() for state in states}
    for name, result in found.items():
        show(name, result)
