"""Executes the text of programs in worker processes, each call with a time limit."""

from __future__ import annotations

import json
import queue
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from genesis_ch.demo import packing
from genesis_ch.demo.packing import Verdict

TIME_LIMIT = 10.0
STARTUP_LIMIT = 30.0
_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Execution:
    """One program executed and judged: the verdict and the seconds that the program took."""

    verdict: Verdict
    seconds: float


class Sandbox:
    """A few worker processes. `execute` takes many programs and keeps their order."""

    def __init__(self, workers: int = 2, time_limit: float = TIME_LIMIT) -> None:
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="sandbox")
        self._workers = [_Worker(time_limit) for _ in range(workers)]
        for worker in self._workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.stop()

    def execute(self, sources: Iterable[str]) -> Iterator[Execution]:
        """Yield one Execution per program, in the order of the programs."""
        return self._threads.map(self._execute, sources)

    def _execute(self, source: str) -> Execution:
        worker = self._idle.get()
        try:
            return worker.execute(source)
        finally:
            self._idle.put(worker)


class _Worker:
    """One process at a time; a process that is too slow or dies is replaced."""

    def __init__(self, time_limit: float) -> None:
        self._time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None

    def execute(self, source: str) -> Execution:
        process = self._process = self._process or self._start()
        start = time.perf_counter()
        line = _ask(process, source, self._time_limit)
        if line:
            answer = json.loads(line)
            error = answer.get("error")
            verdict = Verdict(0.0, error) if error else packing.judge(answer["packing"])
            return Execution(verdict, float(answer["seconds"]))
        ended = process.poll() is not None or line == b""
        self.stop()
        reason = "ended its process" if ended else f"took more than {self._time_limit:g} s"
        return Execution(Verdict(0.0, f"the program {reason}"), time.perf_counter() - start)

    def kill(self) -> None:
        """End what the process does; the thread that waits for its answer learns of it."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        """Start a process and wait until it answers, so that its start costs no program time."""
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        _ask(process, "def pack(): return []", STARTUP_LIMIT)
        return process


def _ask(process: subprocess.Popen[bytes], source: str, limit: float) -> bytes | None:
    """Return the answer's line, b"" when the process has ended, None when time is up."""
    assert process.stdin is not None and process.stdout is not None
    deadline = time.monotonic() + limit
    line = b""
    try:
        request = memoryview(json.dumps({"source": source}).encode() + b"\n")
        while request:
            request = request[process.stdin.write(request) or 0 :]
    except BrokenPipeError:
        return b""
    while not line.endswith(b"\n"):
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not _readable(process.stdout.fileno(), remaining):
            return None
        chunk = process.stdout.read(1 << 16)
        if not chunk:
            return b""
        line += chunk
    return line


def _readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])
