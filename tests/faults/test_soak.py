"""Hours of work in small: every table, updates, flushes and forks, while requests fail, the engine is killed and a second
producer dies and is started again. No row is lost or doubled, and memory, descriptors and threads stay flat.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.audit import audit
from faults.figures import Figure
from faults.harness import Engine, Program, home, own_engine, start, sync
from faults.proxy import Cut, Fault, Proxy, Reply, Request, Stall

__all__ = ["home", "own_engine"]

ROWS_PER_SECOND = 2000
MEMORY_MIB_PER_HOUR = 1.0
WARM_UP = 0.2
"""Share of the run before memory counts: buffers grow to the size they are needed in."""

STEADY = """
import gc, json, resource
TICK = 0.05
SECONDS, ROWS = float(os.environ["SECONDS"]), int(os.environ["ROWS"])

def memory():
    found = {}
    with open("/proc/self/smaps_rollup") as file:
        next(file)
        for line in file:
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0])
    return {"anon": found["Anonymous"], "rss": found["Rss"], "pss": found["Pss"]}

def others(k):
    \"\"\"What goes into the other tables in a tick; the tables' rows are called k.\"\"\"
    ch_logger.log_generation("s", k, 100, float(k), k / 2, 3)
    ch_logger.log_pareto_front("s", k, [{"individual_id": f"s-{k}", "fitness_score": float(k), "combined_score": 0.5}])
    ch_logger.log_lineage("s", f"s-{k}", f"s-{k - 1}", k, "m", k / 4)
    ch_logger.log_llm_interaction("model", [{"role": "user", "content": f"q{k}"}], f"a{k}" + "x" * (k % 900), 0.1)
    ch_logger.log_action(f"act{k}", {"k": k})
    ch_logger.log_trace(f"a{k}", id=f"a{k}", input=f"a{k}", metadata={"n": k})
    ch_logger.log_trace(id=f"a{k}", output=f"a{k}", metadata={"then": f"a{k}"})

def one_run(k):
    ch_logger.log_evolution_run(f"run{k}", "task", {"k": k}, 10, "local", "/db")
    ch_logger.update_evolution_run(f"run{k}", "completed", k)

def fork_one(k):
    pid = os.fork()
    if pid == 0:
        issue_many(f"fork{k}", 0, 20)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

ch_logger.connect(60)
say(connected=True)
per_tick = max(1, int(ROWS * TICK) - 6)
i = tick = forks = runs = flushes = 0
begun = time.monotonic()
while time.monotonic() - begun < SECONDS:
    issue_many("s", i, i + per_tick)
    i += per_tick
    others(tick)
    if tick % 20 == 0:
        one_run(runs)
        runs += 1
        lines.clear()
        say(at=time.monotonic() - begun, fds=len(os.listdir("/proc/self/fd")),
            threads=len(os.listdir("/proc/self/task")), **memory())
    if tick % 40 == 7:
        ch_logger.flush(0.02)
        flushes += 1
    if tick % 100 == 50:
        assert fork_one(forks) == 0
        forks += 1
    tick += 1
    time.sleep(max(0.0, begun + tick * TICK - time.monotonic()))
result = ch_logger.flush(120)
say(fds=len(os.listdir("/proc/self/fd")), rows=i, ticks=tick, runs=runs, forks=forks, flushes=flushes, result=result.__dict__, stats=ch_logger.stats())
"""

MORTAL = """
name, i = os.environ["RUN"], 0
while True:
    issue_many(name, i, i + 20)
    i += 20
    say(rows=i)
    time.sleep(0.05)
"""


class Faults:
    """Chooses so large a share of the requests, each kind in turn, and lets go of what was sent."""

    def __init__(self, share: float, stall: float) -> None:
        self.random = random.Random(17)
        self.share = share
        self.stall = stall
        self.done: Counter[str] = Counter()
        self.on = True
        self.proxy: Proxy | None = None

    def kinds(self) -> list[tuple[str, Fault]]:
        """The faults that this proxy knows."""
        return [
            ("reset before", Cut(passed_on=False, hard=True)),
            ("500", Reply(500, {}, b"out of order")),
            ("answer lost", Cut(after=0, hard=True)),
            ("stall", Stall(self.stall, passed_on=False)),
            ("answer cut", Cut(after=30)),
            ("late answer", Stall(self.stall)),
            (
                "false 200",
                Reply(200, {"X-ClickHouse-Exception-Code": "252"}, b"Code: 252. DB::Exception: Too many parts"),
            ),
            ("503", Reply(503, {"Retry-After": "1"}, b"busy")),
        ]

    def plan(self, request: Request) -> Fault:
        """The fault for this request."""
        if self.proxy is not None and request.number > 0:
            self.proxy.requests[request.number - 1].body = b""
        if not self.on or self.random.random() >= self.share:
            return None
        name, fault = self.kinds()[self.done.total() % len(self.kinds())]
        self.done[name] += 1
        return fault


class PlainProxy(Proxy):
    """An engine that is killed while it answers is a connection that ends."""

    def _ask(self, request: Request) -> bytes:
        try:
            return super()._ask(request)
        except http.client.HTTPException as error:
            raise ConnectionResetError from error


@dataclass
class Mortal:
    """A producer that is killed and started again, each time as another run."""

    cwd: Path
    env: dict[str, str]
    issued: list[int] = field(default_factory=list)
    program: Program | None = None

    def begin(self) -> None:
        self.program = start(MORTAL, self.cwd, RUN=f"m{len(self.issued)}", **self.env)

    def kill(self) -> None:
        """SIGKILL; remembers how many rows had surely been logged."""
        assert self.program is not None
        self.program.listen()
        self.program.process.send_signal(signal.SIGKILL)
        said = self.program.finish().said
        self.issued.append(int(said[-1]["rows"]) if said else 20)
        self.program = None


def slope_per_hour(samples: list[dict[str, Any]], name: str) -> float:
    """MiB in an hour, by least squares over the samples in KiB."""
    times = [float(sample["at"]) for sample in samples]
    values = [float(sample[name]) for sample in samples]
    mean_time, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - mean_time) ** 2 for at in times)
    return (
        sum((at - mean_time) * (value - mean) for at, value in zip(times, values, strict=True)) / spread * 3600 / 1024
    )


def resident(pid: int) -> int:
    """KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


@dataclass
class Soak:
    """One run: the steady producer is listened to, while an own thread kills engine and mortal producer."""

    engine: Engine
    proxy: Proxy
    mortal: Mortal
    kill_every: float
    restart_every: float
    engine_kills: int = 0
    engine_memory: list[int] = field(default_factory=list)
    trouble: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def hurt(self) -> None:
        """Until it is over: kill the producer now and then, and less often the engine."""
        try:
            self.mortal.begin()
            next_engine = time.monotonic() + self.kill_every
            while not self.over.wait(self.restart_every):
                self.mortal.kill()
                if time.monotonic() >= next_engine:
                    self.kill_engine()
                    next_engine = time.monotonic() + self.kill_every
                self.mortal.begin()
            self.mortal.kill()
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            self.trouble.append(error)

    def kill_engine(self) -> None:
        assert self.engine.process is not None
        self.engine_memory.append(resident(self.engine.process.pid))
        self.engine.stop(signal.SIGKILL)
        self.engine.start()
        self.proxy.upstream = self.engine.port()
        self.engine_kills += 1


def ask_numbers(engine: Engine, sql: str) -> list[int]:
    return [int(value) for value in json.loads(engine.ask(sql + " FORMAT JSONCompactEachRow"))]


def check_tables(engine: Engine, said: dict[str, Any]) -> int:
    """Every row of the steady producer is there once; how many there are in all."""
    found = audit(engine, "s", upto=said["rows"])
    assert (found.rows, found.distinct, found.most, found.altered) == (said["rows"], said["rows"], said["rows"] - 1, 0)
    ticks = said["ticks"]
    total = ticks * (ticks - 1) // 2
    for table, number in {
        "generations": "generation",
        "pareto_fronts": "generation",
        "code_lineages": "toUInt32(substring(child_id, 3))",
        "llm_logs": "toUInt32(extract(response, '^a(\\\\d+)x*$'))",
        "agent_actions": "toUInt32(substring(action_type, 4))",
    }.items():
        got = ask_numbers(engine, f"SELECT count(), uniqExact({number} AS n), sum(n) FROM {table} FINAL")
        assert got == [ticks, ticks, total], table
    runs = ask_numbers(
        engine,
        "SELECT count(), uniqExact(run_id), countIf(status = 'completed' AND run_id = concat('run', toString(total_generations))) "
        "FROM evolution_runs FINAL",
    )
    assert runs == [said["runs"]] * 3
    for k in range(said["forks"]):
        assert audit(engine, f"fork{k}", upto=20).rows == 20, k
    for table, row in {
        "observations": "output, type = 'GENERATION' AND startsWith(output, concat('a', toString(n), if(n % 900 = 0, '', 'x')))",
        "traces": "id, name = id AND input = id AND output = id AND metadata = map('n', toString(n), 'then', id)",
    }.items():
        text, good = row.split(", ", 1)
        got = ask_numbers(
            engine,
            f"SELECT count(), uniqExact(toUInt32(extract({text}, '^a(\\\\d+)x*$')) AS n), sum(n), countIf({good}) FROM {table} FINAL",
        )
        assert got == [ticks, ticks, total, ticks], table
    return int(said["rows"] + 8 * ticks + said["runs"] + 20 * said["forks"])


def check_mortal(engine: Engine, issued: list[int]) -> int:
    """Of each killed producer all that it had logged for sure, and at most the batch that it was in."""
    for k, sure in enumerate(issued):
        found = audit(engine, f"m{k}")
        assert sure <= found.rows <= sure + 40, (k, sure, found)
        assert found.rows == found.distinct == found.most + 1 and found.altered == 0, (k, found)
    return sum(issued)


def check_flat(samples: list[dict[str, Any]], end: int, long_form: bool) -> dict[str, float]:
    """Descriptors and threads do not grow; in the long form memory does not either. At the end, with nothing left to deliver,
    there are no more descriptors than at the beginning but for a connection and the next file. In between the directory of a dead
    process takes three, which in the short form may fall into the second half alone."""
    assert end <= int(samples[0]["fds"]) + 2, (end, samples)
    adopted = 0 if long_form else 3
    kept = samples[int(len(samples) * WARM_UP) :]
    half = len(kept) // 2
    for name in ("fds", "threads"):
        before, after = ([int(sample[name]) for sample in part] for part in (kept[:half], kept[half:]))
        assert sorted(after)[len(after) // 2] <= sorted(before)[len(before) // 2] + 1 + adopted, (name, before, after)
        assert max(after) <= max(before) + 3 + adopted, (name, before, after)
    assert max(int(sample["rss"]) for sample in kept) < 200 << 10
    slopes = {name: slope_per_hour(kept, name) for name in ("anon", "rss", "pss")}
    if long_form:
        assert slopes["anon"] < MEMORY_MIB_PER_HOUR, slopes
    return slopes


def test_soak(own_engine: Engine, home: Path, tmp_path: Path, long_form: bool, figure: Figure) -> None:
    seconds = 1800.0 if long_form else 5.0
    timeout = 3.0 if long_form else 1.0
    faults = Faults(0.01 if long_form else 0.08, timeout * 1.5)
    with PlainProxy(own_engine.port(), faults.plan) as proxy:
        faults.proxy, faults.on = proxy, False
        env = {
            "CLICKHOUSE_URL": own_engine.url(port=proxy.port),
            "GENESIS_CH_HOME": str(home),
            "GENESIS_CH_REQUEST_TIMEOUT": str(timeout),
            "GENESIS_CH_BATCH_INTERVAL": "0.5" if long_form else "0.1",
        }
        soak = Soak(own_engine, proxy, Mortal(tmp_path, env), 60.0 if long_form else 1.5, 20.0 if long_form else 1.5)
        program = start(STEADY, tmp_path, SECONDS=str(seconds), ROWS=str(ROWS_PER_SECOND), **env)
        assert program.listen()["connected"]
        faults.on = True
        hurting = threading.Thread(target=soak.hurt)
        hurting.start()
        samples, said = listen_to_end(program, soak, seconds)
        hurting.join()
        assert soak.trouble == []
        outcome = program.finish(120)
        assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
        faults.on = False
        sync(tmp_path, **env)
        asked = len(proxy.requests)
    rows = check_tables(own_engine, said) + check_mortal(own_engine, soak.mortal.issued)
    assert said["result"]["dropped"] == said["result"]["rejected"] == said["stats"]["frames_damaged"] == 0
    assert soak.engine_kills >= 1 and len(soak.mortal.issued) >= 2 and said["forks"] >= 1
    assert faults.done.total() >= 8 and len(faults.done) == len(faults.kinds())
    print(
        f"faults {dict(faults.done)}; samples {samples[:: max(1, len(samples) // 30)]}; engine {soak.engine_memory} KiB"
    )
    slopes = check_flat(samples, said["fds"], long_form)
    figure(
        17,
        f"soak of {seconds / 60:.0f} minutes: {rows} rows in nine tables through {asked} requests, {faults.done.total()} of them "
        f"hurt in {len(faults.done)} ways; engine killed {soak.engine_kills} times, a producer {len(soak.mortal.issued)} "
        f"times; {said['forks']} forks, {said['flushes']} flushes",
        f"0 lost, 0 doubled, 0 altered; anonymous memory {slopes['anon']:+.2f} MiB an hour, resident with mapped files "
        f"{slopes['rss']:+.2f}; descriptors and threads flat",
    )


def listen_to_end(program: Program, soak: Soak, seconds: float) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The producer's samples and its last words; the harm ends when its time is over."""
    samples: list[dict[str, Any]] = []
    try:
        while True:
            said = program.listen(150)
            if "result" in said:
                return samples, said
            samples.append(said)
            if said["at"] > seconds - 1.5:
                soak.over.set()
    finally:
        soak.over.set()
