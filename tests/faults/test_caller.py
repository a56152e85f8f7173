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
STRAY = 3
"""Calls above 1 ms beyond those of the control, of each state's 200,000: where the machine takes the processor from a thread that
holds the lock, or memory's, the caller sleeps as long. All are counted in the figure."""
SHORT_SLACK_NS = 500_000
"""In the short form the 99.9th percentile is one of the longest calls, such as the one that hands a line to logging."""
SLOW_MS = 300

MEASURE = """
import ctypes, resource, threading
usage, thread, cpu, clock = resource.getrusage, resource.RUSAGE_THREAD, time.thread_time_ns, time.perf_counter_ns
log, nothing = ch_logger.log_individual, "".format
MOMENT, OWN_NS, BATCH, PAUSE = 20_000, 1_000_000, 20, 0.002

class Times:
    \"\"\"Times of one callable, in ns: own is without what other processes took; waits are calls that slept.\"\"\"

    def __init__(self):
        self.own, self.wall, self.waits, self.faulted = [], [], [], 0

    def look(self, took, used, before, after):
        self.wall.append(took)
        if after.ru_nvcsw > before.ru_nvcsw:
            self.waits.append(took)
            self.faulted += after.ru_minflt + after.ru_majflt > before.ru_minflt + before.ru_majflt
            self.own.append(took)
        else:
            self.own.append(used if after.ru_nivcsw > before.ru_nivcsw else took)

    def told(self):
        own, wall = sorted(self.own), sorted(self.wall)
        at = lambda times, share: times[min(len(times) - 1, int(len(times) * share))]
        return {"count": len(own), "p50": at(own, 0.5), "p99": at(own, 0.99), "p999": at(own, 0.999), "most": own[-1],
                "wall_p999": at(wall, 0.999), "wall_most": wall[-1], "waits": len(self.waits),
                "over": sum(took > OWN_NS for took in own), "long_waits": sum(took > OWN_NS for took in self.waits),
                "waits_with_page_fault": self.faulted}

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
issue_many("f", 0, int(os.environ.get("FILL", "0")))
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
        whole.faulted += pair[part].faulted
    return whole.told()
calls = ctypes.c_long.in_dll(slow, "slow_disk_calls").value if "LD_PRELOAD" in os.environ else 0
say(one=[times.told() for times in one], several=[joined(0), joined(1)], stats=ch_logger.stats(), slowed=calls, lines=lines)
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
    """A file system of its own when root asks, else a place that cannot be written: rows go through memory as well."""
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        (place / "file").write_text("not a directory")
        yield place / "file"
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
        shim = Builder(self.tmp_path).link("slow_disk.so", [HERE / "slow_disk.c"], (), ("-shared", "-fPIC"))
        disk, other = (self.held.enter_context(small_disk(self.tmp_path / name, "400k")) for name in ("disk", "other"))
        slow = {"LD_PRELOAD": str(shim), "SLOW_MS": str(SLOW_MS)}
        small = {"GENESIS_CH_SEGMENT_BYTES": "262144", "FILL": "8000"}
        return [
            self.start("up", up),
            self.start("SYN dropped", self.engine.url(self.database, hung)),
            self.start("stalling", self.proxy("stalling", Stall(1.5, passed_on=False))),
            self.start("500", self.proxy("500", Reply(500, {}, b"out of order"))),
            self.start("hanging in TLS", f"https://default:{token}@127.0.0.1:{silent}/"),
            self.start("slow disk", up, **slow),
            self.start("full disk", up, disk / "home", **small),
            self.start("slow full disk", self.engine.url(self.database, hung), other / "home", **slow, **small),
            self.start(
                "outbox at its cap",
                self.engine.url(self.database, hung),
                GENESIS_CH_OUTBOX_MAX_BYTES="1048576",
                FILL="8000",
            ),
        ]


@pytest.fixture
def world(engine: Engine, database: str, tmp_path: Path) -> Iterator[World]:
    made = World(engine, database, tmp_path)
    with made.held:
        yield made


def check_faults(found: Mapping[str, Any], world: World) -> None:
    """Every state was what its name says."""
    for name, result in found.items():
        stats = result["stats"]
        assert stats["requests"] >= 2, name
        away = name not in ("up", "slow disk", "full disk")
        assert (stats["rows_delivered"] == 0) == away, (name, stats)
        assert (stats["rows_dropped"] > 0) == (name == "outbox at its cap"), (name, stats)
        lines = 0 if name in ("up", "slow disk") else 2 if "cap" in name else 1
        if "full disk" in name:
            assert any("durability is off" in line for line in result["lines"]), (name, result["lines"])
        else:
            assert len(result["lines"]) == lines, (name, result["lines"])
        if name != "slow full disk" or os.geteuid() == 0:
            assert (result["slowed"] > 5) == ("slow" in name), (name, result["slowed"])
    assert all(proxy.faults > 0 for proxy in world.proxies.values())


def check_times(name: str, part: list[dict[str, Any]], healthy: int, slack: int) -> None:
    """log_individual beside the call that does nothing: no more long calls than that has, which are the machine's."""
    logged, control = part
    assert logged["p999"] <= RATIO * healthy + slack, (name, healthy, part)
    assert logged["over"] <= control["over"] + STRAY, (name, part)


def show(name: str, found: Mapping[str, Any]) -> None:
    """For whoever looks into a failure."""
    names = ("requests", "rows_dropped", "segments_created", "segments_inline", "segments_recycled")
    print(name, {each: found["stats"][each] for each in names}, found["slowed"])
    for kind in ("one", "several"):
        print(f"  {kind}: logged {found[kind][0]}\n  {kind}: nothing {found[kind][1]}")


def test_log_individual_never_waits(world: World, long_form: bool, figure: Figure) -> None:
    rounds, calls, threaded = (10, 20_000, 6_000) if long_form else (2, 2_000, 400)
    states = world.states()
    for _ in range(rounds):
        for kind, count in (("one", calls), ("several", threaded)):
            for state in states:
                state.measure(kind, count)
    next(state for state in states if state.name == "slow disk").measure("one", 5 * calls)
    found = {state.name: state.results() for state in states}
    for name, result in found.items():
        show(name, result)
    check_faults(found, world)
    slack = 0 if long_form else SHORT_SLACK_NS
    for kind in ("one", "several"):
        healthy = found["up"][kind][0]["p999"]
        for name, result in found.items():
            check_times(name, result[kind], healthy, slack)
        worst = max((result[kind][0]["p999"], name) for name, result in found.items())
        most = max((result[kind][0]["most"], name) for name, result in found.items())
        figure(
            9,
            f"{sum(result[kind][0]['count'] for result in found.values())} calls of log_individual from "
            f"{'one thread' if kind == 'one' else '4 threads'}, 10,000 a second each, in {len(found)} states: {', '.join(found)} "
            f"(each call of the disk {SLOW_MS} ms)",
            f"p99.9 healthy {healthy / 1000:.1f} µs, worst {worst[0] / 1000:.1f} µs ({worst[1]}; {worst[0] / healthy:.1f} times); "
            f"longest call of its own doing {most[0] / 1000:.0f} µs ({most[1]}); calls above 1 ms: "
            f"{sum(result[kind][0]['over'] for result in found.values())}, of a call that does nothing: "
            f"{sum(result[kind][1]['over'] for result in found.values())}",
        )
