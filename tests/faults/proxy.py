"""An HTTP proxy in front of a real engine that does to chosen requests what networks and servers do.

Every request is noted. A fault is asked about each one; it may answer itself, cut, stall, or let it through.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

BUFFER = 65536


@dataclass
class Request:
    """One request as it came in."""

    number: int
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_insert(self) -> bool:
        """Whether it carries rows of a table of the experiment."""
        return "query=INSERT" in self.target


@dataclass
class Reply:
    """An answer to give."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers.items())]
        if "Content-Length" not in self.headers and self.status != 204:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass
class Cut:
    """Close the connection: before the request is passed on, or behind so many bytes of the answer. hard resets it."""

    passed_on: bool = True
    after: int = 0
    hard: bool = False


@dataclass
class Stall:
    """Hold the answer back, or with passed_on False the request."""

    seconds: float
    passed_on: bool = True


Fault = Reply | Cut | Stall | None
Plan = Callable[[Request], Fault]


def nothing(request: Request) -> Fault:
    """No fault."""
    del request
    return None


def first_inserts(count: int, fault: Fault) -> Plan:
    """The fault for the first count inserts."""
    left = [count]

    def plan(request: Request) -> Fault:
        if not request.is_insert or left[0] == 0:
            return None
        left[0] -= 1
        return fault

    return plan


class Proxy:
    """Listens on a port of its own; use as a context manager."""

    def __init__(
        self, upstream: int, plan: Plan = nothing, clickhouse: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        self.upstream = upstream
        self.plan = plan
        self.extra = dict(clickhouse or {})
        self.requests: list[Request] = []
        self.faults = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._connections: set[socket.socket] = set()
        self._stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                _reset(connection)

    @property
    def inserts(self) -> list[Request]:
        """The requests so far that carried rows."""
        return [request for request in self.requests if request.is_insert]

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pending = b""
        try:
            while True:
                request, pending = self._read(connection, pending)
                if request is None or not self._handle(connection, request):
                    break
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _read(self, connection: socket.socket, pending: bytes) -> tuple[Request | None, bytes]:
        while b"\r\n\r\n" not in pending:
            chunk = connection.recv(BUFFER)
            if not chunk:
                return None, b""
            pending += chunk
        head, _, pending = pending.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        length = int(headers.get("Content-Length", "0"))
        body = bytearray(pending)
        while len(body) < length:
            chunk = connection.recv(BUFFER)
            if not chunk:
                return None, b""
            body += chunk
        with self._lock:
            request = Request(len(self.requests), first.split(" ")[1], headers, bytes(body[:length]))
            self.requests.append(request)
        return request, bytes(body[length:])

    def _handle(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; False ends the connection."""
        with self._lock:
            fault = self.plan(request)
            self.faults += fault is not None
        if isinstance(fault, Reply):
            connection.sendall(fault.encode())
            return True
        if isinstance(fault, Stall) and not fault.passed_on:
            time.sleep(fault.seconds)
            return False
        if isinstance(fault, Cut) and not fault.passed_on:
            _end(connection, fault.hard)
            return False
        answer = self._ask(request)
        if isinstance(fault, Stall):
            time.sleep(fault.seconds)
        if isinstance(fault, Cut):
            connection.sendall(answer[: fault.after])
            _end(connection, fault.hard)
            return False
        connection.sendall(answer)
        return True

    def _ask(self, request: Request) -> bytes:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        try:
            sent = {name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")}
            upstream.request("POST", request.target, body=request.body, headers=sent)
            answer = upstream.getresponse()
            body = answer.read()
            kept = {
                k: v
                for k, v in answer.getheaders()
                if k.lower() not in ("transfer-encoding", "content-length", "connection")
            }
            return Reply(answer.status, {**kept, **self.extra}, body).encode()
        finally:
            upstream.close()


def _end(connection: socket.socket, hard: bool) -> None:
    if hard:
        _reset(connection)
    else:
        connection.close()


def _reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
