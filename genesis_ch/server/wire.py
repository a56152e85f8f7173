"""Waitress's connections, held to limits: what a request may look like, and how long a slow client is waited for.

Waitress reads a request whole before a worker answers it, so slow senders cost a connection and no worker. A client that
does not read its reply costs a worker once some megabytes wait for it; `Sweep` ends both kinds. Everything here but
`Channel.service` runs on the thread of the socket loop.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, ClassVar

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from .body import too_long
from .errors import QueryError, own_error

HEADER_SECONDS = 5.0
"""From the connection, or the first byte of a request, to the end of its headers."""
IDLE_SECONDS = 120.0
"""How long a connection that has been answered may wait for its next request."""
BODY_GRACE_SECONDS = 30.0
BODY_BYTES_PER_SECOND = 4096
"""A body has the grace, and beyond it the time that it takes at this rate."""
REPLY_SECONDS = 120.0
"""How long a client may leave a reply unread."""
REPLY_SECONDS_WHEN_BUSY = 0.5
"""The same while every worker is taken and a request waits."""
SWEEP_SECONDS = 0.25
MAX_HEADERS = 200
STRANGER_BYTES = 16 * 1024 * 1024
"""Longest body of a request that does not bring the password."""
FULL_SHARE = 0.75
"""Past this share of the connections the oldest that never sent a whole request give way."""


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses what is no request of HTTP/1 at the first byte, and every header block that two readers could take apart."""

    adj: Any
    knows: ClassVar[Any] = staticmethod(lambda environ: False)

    def received(self, data: bytes) -> int:
        """Take bytes of one request; the number taken."""
        if self.body_rcv is None and not self.header_plus and data[:1] not in b"\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ":
            super().parse_header(b"GET / HTTP/1.0\r\n")
            self.error = _Refusal("Bad Request", own_error(36, "This port speaks HTTP, without TLS", 400))
            self.completed = True
            return len(data)
        taken = int(super().received(data))
        if self.error is not None and self.error.code == 413:
            self.error = _Refusal("Content Too Large", too_long(self.adj.max_request_body_size - 1))
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header block; ParsingError makes it a 400."""
        if b"\r\n " in header_plus or b"\r\n\t" in header_plus:
            raise ParsingError("A header goes on in a second line")
        if header_plus.count(b"\r\n") > MAX_HEADERS:
            raise ParsingError(f"More than {MAX_HEADERS} headers")
        lower = b"\r\n" + header_plus.lower()
        if b"\r\ntransfer-encoding:" in lower and (b"\r\ncontent-length:" in lower or b" http/1.0\r\n" in lower):
            raise ParsingError("Transfer-Encoding beside Content-Length, or in HTTP/1.0")
        super().parse_header(header_plus)
        if self.version == "1.1" and "HOST" not in self.headers:
            raise ParsingError("Host is missing")
        if not self.knows({**{f"HTTP_{name}": text for name, text in self.headers.items()}, "QUERY_STRING": self.query}):
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = min(STRANGER_BYTES, self.adj.max_request_body_size)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows when its request began and whether it was ever answered."""

    parser_class = Parser
    answered = False
    began = 0.0

    def received(self, data: bytes) -> bool:
        """Take what the socket gave."""
        if self.request is None:
            self.began = time.time()
        return bool(super().received(data))

    def service(self) -> None:
        """Answer the first request, on a worker."""
        super().service()
        self.answered = True


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Workers that take inserts before all else: a runner waits behind no reader."""

    def add_task(self, task: Any) -> None:
        """Queue a channel whose request is complete."""
        # Once it is queued a worker may answer it and take its request away.
        requests = task.requests
        query = requests[0].query.lower() if requests and not requests[0].error else ""
        super().add_task(task)
        if "query=insert" in query:
            with self.lock:
                if task in self.queue:
                    self.queue.remove(task)
                    self.queue.appendleft(task)


class Sweep:
    """Ends connections that are overdue. Call it after each round of the socket loop."""

    def __init__(self, server: Any, most: int) -> None:
        self._server = server
        self._most = most
        self._next = 0.0
        self.dropped = 0

    @property
    def busy(self) -> bool:
        """True while a complete request waits for a worker."""
        return bool(self._server.task_dispatcher.queue)

    def run(self) -> None:
        """Look at every connection, at most every SWEEP_SECONDS."""
        now = time.time()
        if now < self._next <= now + SWEEP_SECONDS:  # further ahead: the clock was set back
            return
        self._next = now + SWEEP_SECONDS
        channels = list(self._server.active_channels.values())
        busy = self.busy
        late = [channel for channel in channels if _is_late(channel, now, busy)]
        if len(channels) - len(late) > self._most * FULL_SHARE:
            idle = [c for c in channels if c not in late and not c.requests and not c.answered]
            late += sorted(idle, key=lambda c: float(c.creation_time))[: int(self._most * (1 - FULL_SHARE))]
        for channel in late:
            self.dropped += 1
            # A socket that takes no more bytes never becomes writable, so Waitress's own way would wait for ever.
            channel.handle_close()


class _Refusal:
    """An error of Waitress's shape, in ClickHouse's words."""

    def __init__(self, reason: str, error: QueryError) -> None:
        self.code = error.status
        self._reason = reason
        self._error = error

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body."""
        del ident
        headers = [
            ("Content-Type", "text/plain; charset=UTF-8"),
            ("X-ClickHouse-Exception-Code", str(self._error.code)),
        ]
        body = f"Code: {self._error.code}. DB::Exception: {self._error.text}\n"
        return f"{self.code} {self._reason}", headers, body.encode()


def bind(knows: Callable[[dict[str, Any]], bool]) -> type[Channel]:
    """The channel class of a server; `knows` tells from a WSGI environment whether a request brings the password."""
    parser = type("Parser", (Parser,), {"knows": staticmethod(knows)})
    return type("Channel", (Channel,), {"parser_class": parser, "error_task_class": ErrorTask})


def _is_late(channel: Any, now: float, busy: bool) -> bool:
    quiet = now - channel.last_activity
    if channel.total_outbufs_len:
        # One more block may be in work, so a reply of a few blocks is never taken for one that nobody reads.
        held = channel.requests and channel.total_outbufs_len > channel.adj.outbuf_high_watermark
        return bool(quiet > (REPLY_SECONDS_WHEN_BUSY if busy and held else REPLY_SECONDS))
    if channel.requests:
        return False
    request = channel.request
    if request is None:
        return bool(quiet > (IDLE_SECONDS if channel.answered else HEADER_SECONDS))
    if not request.headers_finished:
        return bool(now - channel.began > HEADER_SECONDS)
    allowed = BODY_GRACE_SECONDS + request.body_bytes_received / BODY_BYTES_PER_SECOND
    return bool(quiet > BODY_GRACE_SECONDS or now - channel.began > allowed)
