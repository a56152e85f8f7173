"""An HTTP proxy in front of a real engine that does to chosen requests what networks and servers do.

Every request is noted. A fault is asked about each one; it may answer itself, cut, stall, or let it through. A Break is
asked for before the body is read, and acts at a byte of the stream as it is passed on.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from genesis_ch._core import TABLES

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
        """Whether it carries rows of a table of the experiment; an update of a run does not."""
        return "query=INSERT" in self.target or self.merges

    @property
    def merges(self) -> bool:
        """Whether its rows are an external table, to be merged with what is stored."""
        return "_rows_structure=" in self.target

    @property
    def table(self) -> str:
        """The table that it brings rows to, "update" for an update of a run, "" for anything else."""
        if self.merges:
            return _table_of(urllib.parse.parse_qs(urllib.parse.urlsplit(self.target).query)["_rows_structure"][0])
        if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
            return "update"
        statement = urllib.parse.unquote(self.target.partition("query=INSERT%20INTO%20")[2])
        return statement.partition(" ")[0].strip("`")


    @property
    def content(self) -> bytes:
        """The body without the boundary of a form, which is another one each time."""
        boundary = self.headers.get("Content-Type", "").partition("boundary=")[2].encode()
        return self.body.replace(boundary, b"") if boundary else self.body


def _table_of(structure: str) -> str:
    """The table whose columns an external table has; known from the head of a request alone."""
    columns = {name: ",".join(f"{column} {kind}" for column, kind in every) for name, every in TABLES.items()}
    return next(name for name, every in columns.items() if structure.startswith(every + ","))


@dataclass
class Reply:
    """An answer to give."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def head(self) -> bytes:
        """The status line and the headers as they stand."""
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def encode(self) -> bytes:
        """The bytes on the wire."""
        framed = dict(self.headers)
        if not {"Content-Length", "Transfer-Encoding"} & framed.keys() and self.status not in (204, 304):
            framed["Content-Length"] = str(len(self.body))
        return Reply(self.status, framed).head() + self.body


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


@dataclass
class Raw:
    """Bytes in place of an answer. The connection is closed behind them, or after so many seconds, or kept."""

    data: bytes
    hold: float = 0.0
    keep: bool = False


How = Literal["reset", "close", "stall", "late"]


@dataclass
class Break:
    """A fault at a byte of what is passed on while it is passed on: of the request, or of the answer in chunks.

    `at` gives the byte for the lengths of head and body. reset and close end both connections there; stall waits
    and closes; late waits and goes on.
    """

    part: Literal["request", "reply"]
    at: Callable[[int, int], int]
    how: How
    seconds: float = 0.0


Fault = Reply | Cut | Stall | Raw | None
Plan = Callable[[Request], Fault]
EarlyPlan = Callable[[Request], Break | None]


def nothing(request: Request) -> Fault:
    """No fault."""
    del request
    return None


def no_break(request: Request) -> None:
    """No fault on the way."""
    del request


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
    """Listens on a port of its own; use as a context manager.

    `plan` is asked about whole requests; `early` when only the head has been read, before anything is passed on.
    """

    def __init__(
        self,
        upstream: int,
        plan: Plan = nothing,
        clickhouse: Mapping[str, str] | None = None,
        early: EarlyPlan = no_break,
        port: int = 0,
    ) -> None:
        self.upstream = upstream
        self.plan = plan
        self.early = early
        self.extra = dict(clickhouse or {})
        self.requests: list[Request] = []
        self.faults = 0
        self.stored: list[Request] = []
        """Requests that the engine answered with 200, also where the answer did not get through."""
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
                head, pending = self._read_head(connection, pending)
                if not head:
                    break
                request, length = _parse(head)
                fault = self.early(request)
                if fault is None:
                    request.body, pending = _read_body(connection, pending, length)
                self._note(request, fault is not None)
                kept = self._handle(connection, request) if fault is None else False
                if fault is not None:
                    self._break(connection, request, head, pending, length, fault)
                if not kept:
                    break
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _note(self, request: Request, broken: bool) -> None:
        with self._lock:
            request.number = len(self.requests)
            self.requests.append(request)
            self.faults += broken

    def _read_head(self, connection: socket.socket, pending: bytes) -> tuple[bytes, bytes]:
        while b"\r\n\r\n" not in pending:
            chunk = connection.recv(BUFFER)
            if not chunk:
                return b"", b""
            pending += chunk
        head, _, rest = pending.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n", rest

    def _break(
        self, connection: socket.socket, request: Request, head: bytes, pending: bytes, length: int, fault: Break
    ) -> None:
        """Pass a request on as it comes, and the answer, with a fault at a byte of one of them."""
        head = _for_host(head, self.upstream)
        total = len(head) + length
        place = min(fault.at(len(head), length), total) if fault.part == "request" else total
        with socket.create_connection(("127.0.0.1", self.upstream), timeout=60) as upstream:
            passing = _Passing(connection, upstream, head + pending, length)
            ends = (connection, upstream)
            passing.to(place)
            if fault.part == "request" and not _happen(fault, ends):
                return
            passing.to(total)
            request.body = passing.body(len(head))
            answer, body_at = self._answer_in_chunks(upstream, request)
            place = fault.at(body_at, len(answer) - body_at) if fault.part == "reply" else len(answer)
            connection.sendall(answer[:place])
            if fault.part == "reply" and _happen(fault, ends):
                connection.sendall(answer[place:])

    def _answer_in_chunks(self, upstream: socket.socket, request: Request) -> tuple[bytes, int]:
        """The engine's answer as chunks, and where its body begins."""
        answer = http.client.HTTPResponse(upstream, method="POST")
        answer.begin()
        body = answer.read()
        if answer.status == 200:
            with self._lock:
                self.stored.append(request)
        kept = {**_headers_to_hand_on(answer), **self.extra, "Transfer-Encoding": "chunked"}
        head = Reply(answer.status, kept).head()
        chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
        return head + chunk + b"0\r\n\r\n", len(head)

    def _handle(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; False ends the connection."""
        with self._lock:
            fault = self.plan(request)
            self.faults += fault is not None
        if isinstance(fault, Reply):
            connection.sendall(fault.encode())
            return True
        if isinstance(fault, Raw):
            connection.sendall(fault.data)
            time.sleep(fault.hold)
            return fault.keep
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
            if answer.status == 200:
                with self._lock:
                    self.stored.append(request)
            return Reply(answer.status, {**_headers_to_hand_on(answer), **self.extra}, body).encode()
        finally:
            upstream.close()


class _Passing:
    """Bytes on their way from one connection to the other, no more of them than asked for."""

    def __init__(self, source: socket.socket, target: socket.socket, come: bytes, length: int) -> None:
        self._source, self._target, self._length = source, target, length
        self._come = bytearray(come)
        self._passed = 0

    def to(self, place: int) -> None:
        """Pass on up to this byte; ConnectionError when they end before."""
        while len(self._come) < place:
            chunk = self._source.recv(min(BUFFER, place - len(self._come)))
            if not chunk:
                raise ConnectionError("the request ended early")
            self._come += chunk
        self._target.sendall(self._come[self._passed : place])
        self._passed = max(self._passed, place)

    def body(self, start: int) -> bytes:
        """What was passed on from this byte."""
        return bytes(self._come[start : start + self._length])


def _parse(head: bytes) -> tuple[Request, int]:
    """A request without its body, and the length of that."""
    first, *rest = head.decode("latin-1").strip().split("\r\n")
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Request(0, first.split(" ")[1], headers, b""), int(headers.get("Content-Length", "0"))


def _read_body(connection: socket.socket, pending: bytes, length: int) -> tuple[bytes, bytes]:
    """The body, and what came behind it."""
    body = bytearray(pending)
    while len(body) < length:
        chunk = connection.recv(BUFFER)
        if not chunk:
            raise ConnectionError("the request ended early")
        body += chunk
    return bytes(body[:length]), bytes(body[length:])


def _for_host(head: bytes, port: int) -> bytes:
    """The head with the name of the engine in place of the proxy's."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(b"Host: 127.0.0.1:%d" % port if line.lower().startswith(b"host:") else line for line in lines)


def _headers_to_hand_on(answer: http.client.HTTPResponse) -> dict[str, str]:
    own = ("transfer-encoding", "content-length", "connection")
    return {name: value for name, value in answer.getheaders() if name.lower() not in own}


def _happen(fault: Break, ends: tuple[socket.socket, ...]) -> bool:
    """Do what the fault says; True: go on."""
    time.sleep(fault.seconds if fault.how in ("stall", "late") else 0)
    if fault.how == "late":
        return True
    for end in ends:
        _end(end, fault.how == "reset")
    return False


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
