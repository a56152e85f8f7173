"""One query from its text to its reply."""

from __future__ import annotations

import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from .body import READ_BYTES, Head
from .engine import Engine
from .errors import QueryError, own_error
from .memory import SessionMemory
from .reply import (
    BrokenReply,
    Headers,
    choose_encoding,
    compressed,
    exception_block,
    format_headers,
    new_exception_tag,
    summary,
)
from .request import Request
from .rights import RESULT_VARIABLE
from .statement import (
    DataInsert,
    OutputFormat,
    end_of_statement,
    find_insert_data,
    find_output_format,
    first_word,
    is_insert,
    quote_identifier,
    quote_literal,
)
from .watch import Watch

GATHER_BYTES = 1024 * 1024
"""A result up to this size is complete before its headers leave, so its summary and its errors are exact."""
SPOOL_BYTES = 8 * 1024 * 1024
"""A result that wait_end_of_query holds back lies in memory up to here and then in a file."""
# Results of these formats arrive block by block and may be joined; every other format frames the whole result.
_JOINABLE = frozenset(
    {
        "native",
        "tabseparated",
        "tsv",
        "tabseparatedraw",
        "tsvraw",
        "csv",
        "rowbinary",
        "jsoneachrow",
        "jsonlines",
        "ndjson",
        "jsoncompacteachrow",
        "tskv",
    }
)
_STREAMABLE = (b"SELECT", b"WITH", b"FROM", b"(")
_FORMAT_NAME = re.compile(r"\w{1,100}\Z", re.ASCII)
MAX_NAME_ECHO = 100
_TEMPORARY = re.compile(rb"\bcreate\s+(?:or\s+replace\s+)?temporary\b", re.IGNORECASE)


class Answer:
    """A reply's body as WSGI takes it; closing it ends the request, whatever became of it."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self.chunks: Iterable[bytes] = ()
        self._at_end: list[Callable[[], None]] = [leave]

    def at_end(self, action: Callable[[], None]) -> None:
        """Call `action` when the reply is over; the last one given comes first."""
        self._at_end.append(action)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def close(self) -> None:
        """WSGI's end of a reply, sent or not."""
        try:
            if close := getattr(self.chunks, "close", None):
                close()
        finally:
            while self._at_end:
                self._at_end.pop()()


class Run:
    """One query on its own engine connection, which the answer's end closes."""

    def __init__(
        self,
        engine: Engine,
        scratch: Path,
        memory: SessionMemory,
        watch: Watch,
        request: Request,
        answer: Answer,
    ) -> None:
        self._engine = engine
        self._scratch = scratch
        self._memory = memory
        self._watch = watch
        self._request = request
        self._answer = answer
        self._started = time.perf_counter()
        self._session = engine.new_session()
        answer.at_end(lambda: engine.end_session(self._session))
        answer.at_end(lambda: watch.unfollow(self._session.mark))

    def reply(self, headers: Headers) -> tuple[Headers, Iterable[bytes]]:
        """Run the query; headers and body of a 200. QueryError if it fails before the first byte is ready."""
        self._prepare()
        head = Head(self._request.body)
        if self._request.query:
            head.bytes = self._request.query + b"\n"
        if (insert := _find_data(head)) is not None:
            self._engine.rights.check(insert.sql)
            self._session.insert(insert.sql, insert.format, head.rest(insert.data_at))
            return self._send(headers, iter(()))
        sql = head.bytes
        if end_of_statement(sql) == 0:
            raise own_error(62, "Syntax error: Empty query")
        kind = self._check(sql)
        found = find_output_format(sql)
        name = found.name if found else self._request.default_format
        if not _FORMAT_NAME.match(name):
            raise own_error(73, f"Unknown format {name[:MAX_NAME_ECHO]!r}")
        if kind == "READ_ONLY":
            self._watch.follow(self._session.mark, self._request.abandoned)
            headers = headers + format_headers(name)
        chunks = self._result(sql, kind, found, name)
        if kind == "CONTROL" and self._request.session_id:
            chunks = iter(list(chunks))
            self._memory.remember(self._request.session_id, sql)
        return self._send(headers, chunks)

    def _prepare(self) -> None:
        request, session = self._request, self._session
        settings = dict(request.settings)
        readonly = settings.pop("readonly", "0")
        session.set_settings(settings)
        if request.session_id:
            for statement in self._memory.recall(request.session_id):
                session.query(statement)
        if request.database:
            session.use(request.database)
        session.set_params(request.bindings)
        for table in request.external:
            name = quote_identifier(table.name)
            made = f"CREATE TEMPORARY TABLE {name} ({table.structure})".encode("utf-8", "surrogateescape")
            self._check(made, own=True)
            session.query(made)
            session.insert(f"INSERT INTO {name}".encode(), table.format, [table.data])
        if request.method != "POST" and readonly in ("0", ""):
            # ClickHouse's rule: a GET may change settings, and nothing else.
            readonly = "2"
        if readonly not in ("0", ""):
            session.set_readonly(readonly)

    def _check(self, sql: bytes, own: bool = False) -> str:
        kind, count = self._session.classify(sql)
        if count > 1:
            raise own_error(62, "Syntax error: Multi-statements are not allowed")
        self._engine.rights.check(sql, kind == "READ_ONLY")
        if not own and kind == "CONTROL" and _TEMPORARY.search(sql):
            raise own_error(48, "Temporary tables are not offered: this server keeps no session beyond SET and USE")
        return kind

    def _result(self, sql: bytes, kind: str, found: OutputFormat | None, name: str) -> Iterator[bytes]:
        if kind != "READ_ONLY" or first_word(sql) not in _STREAMABLE:
            return iter((self._session.query(sql, name),))
        if name.lower() in _JOINABLE:
            return self._while_wanted(self._session.stream(sql, name))
        return self._through_file(sql, found, name)

    def _while_wanted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Stop a query whose client has left while its result is still held back, or whose result is past the cap."""
        most, sent = self._engine.rights.allow.result, 0
        for chunk in chunks:
            sent += len(chunk)
            if sent > most:
                raise too_large(most)
            if self._request.abandoned():
                raise own_error(210, "The client closed the connection")
            yield chunk

    def _through_file(self, sql: bytes, found: OutputFormat | None, name: str) -> Iterator[bytes]:
        """A format with a frame around the whole result is written to a file by the engine and sent from there."""
        path = self._scratch / uuid.uuid4().hex
        at = found.at if found else end_of_statement(sql)
        clause = f"\nINTO OUTFILE {quote_literal(str(path))}\n".encode()
        tail = sql[at:] if found else f"FORMAT {name}".encode()
        most = self._engine.rights.allow.result
        abandoned = self._request.abandoned
        self._watch.follow(self._session.mark, lambda: abandoned() or _size(path) > most)
        try:
            self._session.query(sql[:at] + clause + tail, name)
            if _size(path) > most:
                raise too_large(most)
            # The engine makes no file for a result that has not a single byte.
            file = path.open("rb") if path.exists() else None
        except QueryError:
            if _size(path) > most:
                raise too_large(most) from None
            raise
        finally:
            path.unlink(missing_ok=True)
        if file is None:
            return iter(())
        self._answer.at_end(file.close)
        return iter(lambda: file.read(READ_BYTES), b"")

    def _send(self, headers: Headers, chunks: Iterator[bytes]) -> tuple[Headers, Iterable[bytes]]:
        encoding = choose_encoding(self._request.accept_encoding)
        gathered, ended = _gather(chunks)
        if ended:
            body = b"".join(compressed(gathered, encoding if any(gathered) else ""))
            pieces: Iterable[bytes] = [body] if body else []
            length = len(body)
        elif self._request.flag("wait_end_of_query"):
            pieces, length = self._spool(compressed(_chain(gathered, chunks), encoding))
        else:
            tag = new_exception_tag()
            headers = [*headers, ("X-ClickHouse-Exception-Tag", tag)]
            pieces, length = compressed(self._guarded(gathered, chunks, tag), encoding), -1
        if encoding and length:
            headers = [*headers, ("Content-Encoding", encoding)]
        if length >= 0:
            headers = [*headers, ("Content-Length", str(length))]
        headers = [*headers, ("X-ClickHouse-Summary", summary(self._session.stats, self._started))]
        return headers, pieces

    def _spool(self, chunks: Iterator[bytes]) -> tuple[Iterator[bytes], int]:
        spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES, dir=str(self._scratch))  # noqa: SIM115
        self._answer.at_end(spool.close)
        for chunk in chunks:
            spool.write(chunk)
        length = spool.tell()
        spool.seek(0)
        return iter(lambda: spool.read(READ_BYTES), b""), length

    def _guarded(self, gathered: list[bytes], chunks: Iterator[bytes], tag: str) -> Iterator[bytes]:
        try:
            yield from gathered
            gathered.clear()
            yield from chunks
        except QueryError as error:
            yield exception_block(error, self._engine.version, tag)
            raise BrokenReply from None


def too_large(most: int) -> QueryError:
    """The error of a result past the cap."""
    return own_error(
        396, f"The result is larger than {most} bytes; the owner of the embedded server sets the cap with {RESULT_VARIABLE}"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _find_data(head: Head) -> DataInsert | None:
    """Read the body until the place is known where an INSERT's data begins, or to the end if there is none."""
    while True:
        insert = find_insert_data(head.bytes) if is_insert(head.bytes) else None
        if insert is not None and (head.ended or insert.data_at < len(head.bytes)):
            return insert
        if not head.grow():
            return find_insert_data(head.bytes)


def _gather(chunks: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """Take up to GATHER_BYTES; True if that was all."""
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size > GATHER_BYTES:
            return gathered, False
    return gathered, True


def _chain(gathered: list[bytes], chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from gathered
    gathered.clear()
    yield from chunks
