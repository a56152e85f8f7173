"""The server's life: start, serve, stop. Runs on the thread that calls it; workers answer the requests."""

from __future__ import annotations

import errno
import importlib
import ipaddress
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any
from urllib.parse import quote

from .engine import Engine
from .errors import QueryError
from .rights import Allow
from .store import Endpoint, Store
from .watch import Watch

WORKERS = 16
DRAIN_SECONDS = 5.0
"""How long a stopping server lets running requests end."""
KILL_SECONDS = 2.0
"""How long after that its queries have to notice that they are stopped."""
TICK_SECONDS = 1.0
BUSY_TICK_SECONDS = 0.25
DRAIN_TICK_SECONDS = 0.02
TRIM_AFTER_SECONDS = 5.0
NICENESS = 5
BACKLOG = 128
MAX_CONNECTIONS = 512
SOCKET_BYTES = 256 * 1024
MAX_HEADER_BYTES = 1024 * 1024
OUTBUF_BYTES = 4 * 1024 * 1024
"""Of a reply, what may wait for its client before the worker waits too."""

_WAITRESS_OPTIONS: dict[str, Any] = {
    "threads": WORKERS,
    "ident": None,
    "recv_bytes": SOCKET_BYTES,
    # Replies leave at once, from the worker; the default collects 18 kB and wakes the main thread to send them.
    "send_bytes": 1,
    "outbuf_high_watermark": OUTBUF_BYTES,
    "max_request_header_size": MAX_HEADER_BYTES,
    "channel_request_lookahead": 1,
    "asyncore_use_poll": True,
    "connection_limit": MAX_CONNECTIONS,
    "clear_untrusted_proxy_headers": True,
}
_log = logging.getLogger("genesis_ch.server")


class Server:
    """One server on one Store whose lock is held. Create, `start`, `run`, `close`."""

    def __init__(self, store: Store, host: str, port: int, password: str, idle: float, allow: Allow) -> None:
        self._store = store
        self._host = _loopback(host)
        self._port = port
        self._password = password
        self._idle = idle
        self._allow = allow
        self._stopping = threading.Event()
        self._watch = Watch()
        self._engine: Engine | None = None
        self._waitress: Any = None
        self._loop: Any = None
        self._sweep: Any = None
        self._tempdir: str | None = None

    def start(self) -> Endpoint:
        """Open the engine, listen, publish the endpoint.

        OSError if the port is taken, ImportError if chdb-core or waitress is missing.
        """
        self._store.clean()
        # A taken port is found before the engine is opened.
        listener = _listen(self._host, self._port)
        opening = _Opening(self._store, self._allow)
        try:
            # These imports take as long as the engine takes to open, and need the other core.
            from . import wire
            from .app import App

            waitress_server = importlib.import_module("waitress.server")
            self._loop = importlib.import_module("waitress.wasyncore")
            self._engine = opening.result()
            app = App(self._engine, self._password, self._store.scratch, self._watch, self._host)
            workers = wire.Dispatcher()
            workers.set_thread_count(WORKERS)
            self._waitress = waitress_server.create_server(
                app,
                sockets=[listener],
                _dispatcher=workers,
                max_request_body_size=self._allow.body + 1,
                **_WAITRESS_OPTIONS,
            )
            self._waitress.channel_class = wire.bind(app.knows)
            self._sweep = wire.Sweep(self._waitress, MAX_CONNECTIONS)
        except BaseException:
            listener.close()
            # An engine that still opens must not outlive the lock of its directory.
            with suppress(BaseException):
                self._engine = opening.result()
            raise
        # Waitress spools long bodies through this module.
        self._tempdir, tempfile.tempdir = tempfile.tempdir, str(self._store.scratch)
        port = listener.getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        endpoint = Endpoint(f"http://{host}:{port}", os.getpid(), self._password, self._engine.version)
        self._store.publish(endpoint)
        _log.info("serving %s on %s, engine %s", self._store.path, endpoint.url, self._engine.version)
        return endpoint

    def run(self) -> None:
        """Serve until `stop`, idleness or the removal of the directory; then let running requests end."""
        trimmed = True
        while not self._stopping.is_set():
            self._step(TICK_SECONDS)
            if self._idle > 0 and self._watch.close_if_idle(self._idle):
                _log.info("idle for %g s, leaving", self._idle)
                break
            if not self._store.is_held():
                _log.info("the directory is gone, leaving")
                break
            quiet = self._watch.quiet_seconds
            if quiet < TRIM_AFTER_SECONDS:
                trimmed = False
            elif not trimmed and self._engine is not None:
                trimmed = True
                self._engine.trim()
        self._drain()

    def stop(self) -> None:
        """Ask `run` to return. For any thread and for signal handlers."""
        self._stopping.set()
        if self._waitress is not None:
            self._waitress.pull_trigger()

    def close(self) -> None:
        """Take the endpoint away and close the engine. After this no thread of the server touches the directory."""
        self._store.remove_endpoint()
        if self._waitress is not None:
            tempfile.tempdir = self._tempdir
            self._waitress.task_dispatcher.shutdown(timeout=0.5)
            self._waitress.close()
        if self._engine is not None and self._watch.running == 0:
            self._engine.close()
            self._engine = None
            _log.info("stopped")

    def _step(self, seconds: float) -> None:
        if self._sweep is not None and self._sweep.busy:
            seconds = min(seconds, BUSY_TICK_SECONDS)
        self._loop.loop(timeout=seconds, map=self._waitress._map, use_poll=True, count=1)
        if self._sweep is not None:
            self._sweep.run()
        self._kill(self._watch.take_abandoned())

    def _kill(self, marks: list[str]) -> None:
        for mark in marks:
            if self._engine is not None:
                with suppress(QueryError):
                    self._engine.kill(mark)

    def _drain(self) -> None:
        """Answer what was taken, refuse what comes now, send what is written; after DRAIN_SECONDS stop the queries."""
        self._store.remove_endpoint()
        self._watch.close()
        self._finish(DRAIN_SECONDS)
        if self._watch.running:
            self._kill(self._watch.take_abandoned(everyone=True))
            self._finish(KILL_SECONDS)

    def _finish(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            channels = list(self._waitress.active_channels.values())
            if not self._watch.running and not any(channel.total_outbufs_len for channel in channels):
                break
            self._step(DRAIN_TICK_SECONDS)


class _Opening:
    """The engine being opened on a thread of its own."""

    def __init__(self, store: Store, allow: Allow) -> None:
        self._directory = store.data
        self._allow = allow
        self._engine: Engine | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._open, name="open-engine")
        self._thread.start()

    def result(self) -> Engine:
        """Wait for the engine; raises what Engine.open raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._engine is not None
        return self._engine

    def _open(self) -> None:
        try:
            self._engine = Engine.open(self._directory, self._allow)
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that waits
            self._error = error


def run_server(
    store: Store,
    host: str,
    port: int,
    password: str,
    idle: float,
    on_ready: Callable[[Endpoint], None] | None,
    allow: Allow,
) -> None:
    """Serve a locked Store until a signal, or idleness, ends it. Signals are caught if this is the main thread."""
    server = Server(store, host, port, password, idle, allow)
    with _signals(server.stop):
        try:
            endpoint = server.start()
            if on_ready is not None:
                on_ready(endpoint)
            server.run()
        finally:
            server.close()


def dsn(endpoint: Endpoint) -> str:
    """The URL a client takes: `http://default:PASSWORD@HOST:PORT/default`."""
    return endpoint.url.replace("://", f"://default:{quote(endpoint.token, safe='')}@", 1) + "/default"


class _signals:
    """Makes SIGTERM and SIGINT stop the server while the block runs, on the main thread only."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._caught)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _caught(self, number: int, _frame: FrameType | None) -> None:
        self._stop()


def be_modest() -> None:
    """Let the experiments on this machine go first. To be called after the start, which somebody waits for."""
    try:
        # On Linux niceness belongs to a thread, and the engine's threads run by now.
        threads = [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        threads = [0]
    for thread in threads:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, NICENESS)


def _loopback(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise ValueError(f"the embedded server listens on loopback only, not on {host!r}; use 127.0.0.1 or ::1")


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(error.errno, f"port {port} on {host} is taken; choose another or 0 for any") from None
        raise
    return listener
