"""What the fault tests share: programs in processes of their own, an engine, and the oracle that no row is lost.

A row's values follow from its id alone, so a row that was altered is found out. See `issue` for what a program logs.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from faults.rows import number_of, text_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAM_SECONDS = 60.0
ENGINE_SECONDS = 30.0
ENGINES_KEPT: list[Engine] = []
STARTED: list[subprocess.Popen[bytes]] = []


@atexit.register
def end_what_failed_tests_left() -> None:
    """Kill the programs and engines whose tests did not come to their end."""
    for process in STARTED:
        if process.poll() is None:
            process.kill()
            process.wait()


PRELUDE = '''
import logging, os, sys, time, zlib
lines = []
class Keep(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
logging.getLogger("genesis_ch").addHandler(Keep())
logging.getLogger("genesis_ch").setLevel(1)
logging.getLogger("genesis_ch").propagate = False
from genesis_ch import ch_logger

def issue(run, i):
    """Log the one row that is called i in this run."""
    name = f"{run}-{i}"
    value = number_of(name)
    ch_logger.log_individual(run, name, i, "p" + name, "m", value, -value, {"score": value}, i % 2 == 0)

def issue_sized(run, i):
    """The same with a text whose length follows from the name."""
    name = f"{run}-{i}"
    value = number_of(name)
    metrics = {"score": value, "text": text_of(name)}
    ch_logger.log_individual(run, name, i, "p" + name, "m", value, -value, metrics, i % 2 == 0)

def issue_many(run, start, stop):
    for i in range(start, stop):
        issue(run, i)

def timed(run, start, rows, seconds):
    """Log rows in so many seconds; the median, the 99th percentile and the longest of the calls, in ns."""
    took = []
    begun = time.monotonic()
    for i in range(start, start + rows):
        before = time.perf_counter_ns()
        issue(run, i)
        took.append(time.perf_counter_ns() - before)
        if i % 20 == 0:
            time.sleep(max(0.0, begun + seconds * (i - start) / rows - time.monotonic()))
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100], took[-1]

def say(**values):
    import json
    os.write(OUT, (json.dumps(values) + "\\n").encode())

OUT = int(os.environ["FAULTS_OUT"])
''' + (Path(__file__).parent / "rows.py").read_text()


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without any setting of ours, with short intervals, and extra."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GENESIS_", "CLICKHOUSE_", "PYTEST"))
    }
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
        "GENESIS_CH_BATCH_INTERVAL": "0.05",
        "GENESIS_CH_SERVER_IDLE": "20",
        **extra,
    }


def wait_for(condition: Callable[[], Any], seconds: float = 20.0, step: float = 0.02) -> Any:
    """Return the first true result of condition; fail after seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(step)


@dataclass
class Program:
    """A running Python program; what it says with say() is read from a pipe of its own."""

    process: subprocess.Popen[bytes]
    said_fd: int
    _buffer: bytes = b""

    def listen(self, seconds: float = PROGRAM_SECONDS) -> dict[str, Any]:
        """The next thing that the program says."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            assert time.monotonic() < deadline, "the program says nothing"
            got = os.read(self.said_fd, 65536)
            assert got, f"the program ended: {self.finish()}"
            self._buffer += got
        line, _, self._buffer = self._buffer.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def tell(self, text: str = "go") -> None:
        """Give the program a line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as the kernel does, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.finish()

    def finish(self, seconds: float = PROGRAM_SECONDS) -> Outcome:
        """Wait for the end; how it ended and what it printed."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"the program does not end: {out!r} {err!r}") from None
        rest = b""
        if self.said_fd >= 0:
            while chunk := os.read(self.said_fd, 65536):
                rest += chunk
            os.close(self.said_fd)
            self.said_fd = -1
        said = [json.loads(line) for line in (self._buffer + rest).splitlines()]
        return Outcome(self.process.returncode, out.decode(), err.decode(), said)


@dataclass
class Outcome:
    """How a program ended, what it printed, and what it said with say()."""

    status: int
    out: str
    err: str
    said: list[dict[str, Any]] = field(default_factory=list)

    def quiet(self) -> Outcome:
        """Fail when it printed anything or did not end with 0."""
        assert (self.status, self.out, self.err) == (0, "", "")
        return self


def start(text: str, cwd: Path, *, prelude: str = PRELUDE, python: str = sys.executable, **env: str) -> Program:
    """Start a program in cwd. Its standard input is a pipe: readline there waits for tell()."""
    read_fd, write_fd = os.pipe()
    try:
        process = subprocess.Popen(
            [python, "-c", prelude + textwrap.dedent(text)],
            cwd=cwd,
            env=clean_environment(FAULTS_OUT=str(write_fd), **env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[write_fd],
        )
    finally:
        os.close(write_fd)
    STARTED.append(process)
    return Program(process, read_fd)


def run(
    text: str, cwd: Path, *, seconds: float = PROGRAM_SECONDS, prelude: str = PRELUDE, **env: str
) -> Outcome:
    """Run a program to its end."""
    return start(text, cwd, prelude=prelude, **env).finish(seconds)


@dataclass
class Engine:
    """A real engine: the embedded server on a directory, for as long as the test wants it."""

    home: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Engine:
        """Start it and wait until it answers."""
        log = (self.home.parent / f"{self.home.name}.out").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "genesis_ch.server", "--path", str(self.home), "--idle", "0"],
            env=clean_environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        STARTED.append(self.process)
        wait_for(lambda: self.pid() == self.process.pid if self.process else 0, ENGINE_SECONDS)
        return self

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Signal it, if it runs, and wait for its end; one that does not end is killed, and that is a failure."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(ENGINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def endpoint(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.home / "endpoint.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def pid(self) -> int:
        """Of the server that the directory names, 0 for none."""
        return int(self.endpoint().get("pid", 0))

    def port(self) -> int:
        return urllib.parse.urlsplit(self.endpoint()["url"]).port or 0

    def url(self, database: str = "default", port: int | None = None, **settings: str) -> str:
        """CLICKHOUSE_URL of a database on it, or behind a proxy on another port."""
        query = "?" + urllib.parse.urlencode(settings) if settings else ""
        return f"http://default:{self.endpoint()['token']}@127.0.0.1:{port or self.port()}/{database}{query}"

    def ask(self, sql: str, database: str = "default") -> str:
        """The answer, or AssertionError with what the server says."""
        token = self.endpoint()["token"]
        request = urllib.request.Request(
            f"{self.endpoint()['url']}?database={database}",
            data=sql.encode(),
            headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": token},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ENGINE_SECONDS) as reply:
                return str(reply.read().decode())
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def count(self, run: str, database: str = "default") -> int:
        """Rows of a run; 0 while the table is missing."""
        try:
            return int(self.ask(f"SELECT count() FROM individuals FINAL WHERE run_id = '{run}'", database))
        except AssertionError as error:
            if "UNKNOWN_TABLE" in str(error) or "UNKNOWN_DATABASE" in str(error):
                return 0
            raise

    def stored(self, run: str, database: str = "default") -> set[int]:
        """The numbers of the rows of a run. Fails when one is there twice or is not what was logged."""
        return self.stored_runs(f"= '{run}'", database).get(run, set())

    def stored_runs(self, which: str, database: str = "default", *, sized: bool = False) -> dict[str, set[int]]:
        """The same for every run whose id satisfies which; sized for rows of issue_sized."""
        text = self.ask(
            "SELECT run_id, individual_id, generation, parent_id, fitness_score, combined_score, metrics, "
            f"metrics_num['score'], is_pareto FROM individuals FINAL WHERE run_id {which} FORMAT JSONCompactEachRow",
            database,
        )
        found: dict[str, set[int]] = {}
        for line in text.splitlines():
            run, name, i, parent, fitness, combined, metrics, score, pareto = json.loads(line)
            want = number_of(name)
            carried = {"score": want, "text": text_of(name)} if sized else {"score": want}
            assert name == f"{run}-{i}" and parent == f"p{name}", line
            assert (fitness, combined, score) == (want, -want, want) and json.loads(metrics) == carried, line
            assert pareto == (i % 2 == 0), line
            assert i not in found.setdefault(run, set()), f"row {name} is there twice"
            found[run].add(i)
        return found


def end_server_of(home: Path) -> None:
    """End the server that programs started for a directory, if there is one."""
    pid = Engine(home).pid()
    if pid == 0:
        return
    try:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not _alive(pid), ENGINE_SECONDS)
    except ProcessLookupError:
        pass


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@functools.cache
def shared_engine() -> Engine:
    """One engine for all tests of a session that do not stop it; each takes a database of its own."""
    engine = Engine(Path(tempfile.mkdtemp(prefix="faults-")) / "engine")
    ENGINES_KEPT.append(engine)
    return engine.start()


def stop_shared_engines() -> None:
    """End what shared_engine started, and remove what it made."""
    shared_engine.cache_clear()
    while ENGINES_KEPT:
        engine = ENGINES_KEPT.pop()
        try:
            engine.stop()
        finally:
            shutil.rmtree(engine.home.parent, ignore_errors=True)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine that stays up; tests use databases of their own."""
    try:
        yield shared_engine()
    finally:
        stop_shared_engines()


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that the test may kill."""
    made = Engine(tmp_path / "engine").start()
    yield made
    made.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A directory for GENESIS_CH_HOME; the server that programs start there is ended."""
    place = tmp_path / "home"
    yield place
    end_server_of(place)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """A database name of the test's own."""
    return "d" + format(zlib.crc32(request.node.nodeid.encode()), "08x")


def conserved(result: Mapping[str, Any], issued: int) -> None:
    """Fail unless every row of a process that adopted nothing is accounted for."""
    parts = ("delivered", "pending", "rejected", "dropped", "parked")
    assert sum(int(result[part]) for part in parts) == issued, result


def sync(cwd: Path, *, seconds: float = PROGRAM_SECONDS, **env: str) -> dict[str, Any]:
    """What a user does after a crash: a fresh process that delivers what is in the outbox. Its counters.

    It may take as long as the machine needs, but not stand still: a flush that stores nothing in 30 seconds is the last.
    """
    text = """
    enabled = ch_logger.enabled
    result, before = ch_logger.flush(30), 0
    while result.pending > 0 and result.last_error is None and result.delivered > before:
        result, before = ch_logger.flush(30), result.delivered
    say(stats=ch_logger.stats(), pending=result.pending, error=result.last_error)
    """
    outcome = run(text, cwd, seconds=seconds, **env)
    assert outcome.status == 0, outcome
    said: dict[str, Any] = outcome.said[0]
    assert said["pending"] == 0, said
    return said
