"""Request bodies: decompression in bounded steps, and the head of a body that holds a query in front of its data."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

from .errors import QueryError, own_error
from .rights import BODY_VARIABLE

READ_BYTES = 1024 * 1024
"""Wire bytes read and plain bytes produced in one step."""
MAX_QUERY_BYTES = 64 * 1024**2
"""Longest query text in a body; data behind an INSERT does not count."""


class _Decompressor(Protocol):
    """The shape that lz4 and zstd share with the standard library's bz2."""

    eof: bool
    needs_input: bool
    unused_data: bytes | None

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _ZlibDecompressor:
    """zlib in that same shape."""

    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        plain = self._zlib.decompress(self._zlib.unconsumed_tail + data, max(max_length, 0))
        self.needs_input = not self._zlib.unconsumed_tail and len(plain) < max_length
        return plain


_DAMAGE_CODES = {"zstd": 561, "lz4": 618, "gzip": 354, "deflate": 354}


def plain_chunks(source: BinaryIO, encoding: str, most: int) -> Iterator[bytes]:
    """Yield the body in pieces of about READ_BYTES, decompressed from `encoding` (a Content-Encoding, "" for none).

    Several members one behind the other are one body. Raises QueryError: 89 for an encoding that is not offered, 561,
    618 or 354 for damage or a cut end, 229 past `most` bytes after decompression: a bomb is unpacked no further.
    """
    encoding = encoding.strip().lower()
    total = 0
    pieces = _raw_chunks(source) if encoding in ("", "identity") else _decompressed(source, encoding)
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise too_long(most)
        yield piece


class Head:
    """A body of which the first bytes are looked at before the rest is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.bytes = b""
        self.ended = False

    def grow(self) -> bool:
        """Read one piece more into `bytes`; False at the end. QueryError 229 past MAX_QUERY_BYTES."""
        piece = next(self._chunks, None)
        if piece is None:
            self.ended = True
            return False
        self.bytes += piece
        if len(self.bytes) > MAX_QUERY_BYTES:
            raise own_error(229, f"The query is longer than {MAX_QUERY_BYTES} bytes")
        return True

    def read_all(self) -> bytes:
        """The whole body as one query text."""
        while self.grow():
            pass
        return self.bytes

    def rest(self, start: int) -> Iterator[bytes]:
        """The body from byte `start` of the head on."""
        if len(self.bytes) > start:
            yield self.bytes[start:]
        self.bytes = b""
        yield from self._chunks


def _raw_chunks(source: BinaryIO) -> Iterator[bytes]:
    while piece := source.read(READ_BYTES):
        yield piece


def _decompressed(source: BinaryIO, encoding: str) -> Iterator[bytes]:
    member: _Decompressor | None = None
    for wire in _raw_chunks(source):
        data = wire
        while data or (member is not None and not member.eof and not member.needs_input):
            if member is None or member.eof:
                member = _new_decompressor(encoding)
            try:
                plain = member.decompress(data, READ_BYTES)
            except Exception as error:  # noqa: BLE001 - each library has its own class for damage
                raise _damaged(encoding, f"{type(error).__name__}") from None
            if plain:
                yield plain
            data = (member.unused_data or b"") if member.eof else b""
    if member is not None and not member.eof:
        raise _damaged(encoding, "it ends too early")


def _new_decompressor(encoding: str) -> Any:
    if encoding == "zstd":
        return zstd_module().ZstdDecompressor()
    if encoding == "lz4":
        return importlib.import_module("lz4.frame").LZ4FrameDecompressor()
    if encoding in ("gzip", "x-gzip"):
        return _ZlibDecompressor(16 + zlib.MAX_WBITS)
    if encoding == "deflate":
        return _ZlibDecompressor(zlib.MAX_WBITS)
    raise own_error(89, f"Unknown compression method {encoding!r}; the server reads zstd, lz4, gzip and deflate", 400)


def too_long(most: int) -> QueryError:
    """The error of a body past the cap, as it arrives or unpacked."""
    cure = f"the owner of the embedded server sets the cap with {BODY_VARIABLE}"
    return own_error(229, f"The body is longer than {most} bytes; {cure}", 413)


def zstd_module() -> Any:
    """The zstd module of this Python: part of the standard library from 3.14 on, backports.zstd before."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _damaged(encoding: str, reason: str) -> QueryError:
    return own_error(_DAMAGE_CODES.get(encoding, 354), f"Cannot decompress the {encoding} body: {reason}", 400)
