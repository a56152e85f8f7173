"""Replies: ClickHouse's headers, compression on request, and the mark of an error behind the first byte."""

from __future__ import annotations

import importlib
import json
import secrets
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from .body import zstd_module
from .engine import Stats
from .errors import QueryError

DISPLAY_NAME = "genesis_ch"
LEVEL_ZSTD = 1
LEVEL_ZLIB = 1
# In the order of preference on a loopback connection: the cheapest first.
ENCODINGS = ("lz4", "zstd", "gzip", "deflate")
_CONTENT_TYPES = {
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnames": "text/tab-separated-values; charset=UTF-8",
    "tsvwithnames": "text/tab-separated-values; charset=UTF-8",
    "native": "application/octet-stream",
    "rowbinary": "application/octet-stream",
    "rowbinarywithnamesandtypes": "application/octet-stream",
    "arrow": "application/octet-stream",
    "arrowstream": "application/octet-stream",
    "parquet": "application/octet-stream",
}

Headers = list[tuple[str, str]]


class BrokenReply(Exception):
    """Raised in mid-stream, behind the error text, so that the connection closes without the last chunk."""


class _Compressor(Protocol):
    def compress(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...


class _Lz4Compressor:
    def __init__(self) -> None:
        self._frame: Any = importlib.import_module("lz4.frame").LZ4FrameCompressor()
        self._head: bytes = self._frame.begin()

    def compress(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        head, self._head = self._head, b""
        return head + bytes(self._frame.flush())


def choose_encoding(accept_encoding: str) -> str:
    """The Content-Encoding to answer an Accept-Encoding header with; "" for none."""
    offered = set()
    for item in accept_encoding.lower().split(","):
        name, _, quality = item.strip().partition(";")
        if quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            offered.add(name.strip())
    return next((name for name in ENCODINGS if name in offered), "")


def compressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Encode a body as one frame; an exception of `chunks` passes through, and BrokenReply closes the frame first."""
    if not encoding:
        yield from chunks
        return
    compressor = _new_compressor(encoding)
    try:
        for chunk in chunks:
            if data := compressor.compress(chunk):
                yield data
    except BrokenReply:
        yield compressor.flush()
        raise
    yield compressor.flush()


def new_exception_tag() -> str:
    """The random word that frames an error in mid-stream, so that no row can be taken for one."""
    return secrets.token_hex(8)


def exception_block(error: QueryError, version: str, tag: str) -> bytes:
    """The bytes ClickHouse appends to a started body when the query fails."""
    message = error.render(version).encode("utf-8", "replace")
    return b"\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n" % (
        tag.encode(),
        message,
        len(message),
        tag.encode(),
    )


def summary(stats: Stats, started: float) -> str:
    """X-ClickHouse-Summary: every number a JSON string; `started` is a time.perf_counter value."""
    return json.dumps(
        {
            "read_rows": str(stats.read_rows),
            "read_bytes": str(stats.read_bytes),
            "written_rows": str(stats.written_rows),
            "written_bytes": str(stats.written_bytes),
            "total_rows_to_read": "0",
            "result_rows": str(stats.result_rows),
            "result_bytes": str(stats.result_bytes),
            "elapsed_ns": str(int((time.perf_counter() - started) * 1e9)),
        },
        separators=(",", ":"),
    )


def base_headers(query_id: str, timezone: str) -> Headers:
    """Headers that every answer to a query has."""
    return [
        ("X-ClickHouse-Server-Display-Name", DISPLAY_NAME),
        ("X-ClickHouse-Query-Id", _header_text(query_id)),
        ("X-ClickHouse-Timezone", timezone),
    ]


def format_headers(output_format: str) -> Headers:
    """Headers that name a result's format."""
    return [
        ("X-ClickHouse-Format", output_format),
        ("Content-Type", _CONTENT_TYPES.get(output_format.lower(), "text/plain; charset=UTF-8")),
    ]


def _new_compressor(encoding: str) -> _Compressor:
    if encoding == "lz4":
        return _Lz4Compressor()
    if encoding == "zstd":
        compressor: _Compressor = zstd_module().ZstdCompressor(level=LEVEL_ZSTD)
        return compressor
    return zlib.compressobj(LEVEL_ZLIB, zlib.DEFLATED, (16 if encoding == "gzip" else 0) + zlib.MAX_WBITS)


def _header_text(text: str) -> str:
    """A client's word made harmless in a header: printable ASCII, at most 200 characters."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:200])
