"""Errors as ClickHouse reports them over HTTP: number, name and text, and the HTTP status that goes with the number."""

from __future__ import annotations

import re

ENGINE_TEXT_LIMIT = 64 * 1024
"""Longest error text sent to a client, in characters."""

# The groups and their order are those of ClickHouse's exceptionCodeToHTTPStatus.
_STATUS_GROUPS: dict[int, frozenset[int]] = {
    400: frozenset(
        {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676}
    ),
    401: frozenset({194}),
    403: frozenset({192, 193, 497, 512, 516}),
    404: frozenset({46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511}),
    408: frozenset({159}),
    411: frozenset({381}),
    413: frozenset({229}),
    415: frozenset({779}),
    501: frozenset({48}),
    503: frozenset({76, 209, 439}),
}
_STATUS_OF_CODE = {code: status for status, codes in _STATUS_GROUPS.items() for code in codes}

_NAMES = {
    33: "CANNOT_READ_ALL_DATA",
    36: "BAD_ARGUMENTS",
    48: "NOT_IMPLEMENTED",
    62: "SYNTAX_ERROR",
    73: "UNKNOWN_FORMAT",
    89: "UNKNOWN_COMPRESSION_METHOD",
    210: "NETWORK_ERROR",
    229: "QUERY_IS_TOO_LARGE",
    344: "SUPPORT_IS_DISABLED",
    354: "ZLIB_INFLATE_FAILED",
    396: "TOO_MANY_ROWS_OR_BYTES",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
    561: "ZSTD_DECODER_FAILED",
    618: "LZ4_DECODER_FAILED",
    1002: "UNKNOWN_EXCEPTION",
}
_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")
_STACK = re.compile(r",? Stack trace \(when copying.*?(?=\s*\([A-Z_]+\)\s*\Z|\Z)", re.DOTALL)
_VERSION = re.compile(r"\(version [^()]*(?:\([^()]*\))?\)")


class QueryError(Exception):
    """A request that failed, with ClickHouse's error number.

    `code` is the number, `text` the sentence without the `Code: N. DB::Exception: ` in front and without the version
    behind. `text` may quote the caller's data, so it goes to the caller and never to a log.
    """

    def __init__(self, code: int, text: str, status: int | None = None) -> None:
        super().__init__(f"error {code}")
        self.code = code
        self.text = text
        self.status = status if status is not None else status_of_code(code)

    def render(self, version: str) -> str:
        """The body ClickHouse would send: `Code: N. DB::Exception: text (NAME) (version V)`, with a final newline."""
        return f"Code: {self.code}. DB::Exception: {self.text} (version {version})\n"


def own_error(code: int, text: str, status: int | None = None) -> QueryError:
    """An error found by this server and not by the engine; `code` must be one of the names listed here."""
    return QueryError(code, f"{text} ({_NAMES[code]})", status)


def engine_error(message: str) -> QueryError:
    """Read the text of an engine exception; text without a number becomes 1002 UNKNOWN_EXCEPTION."""
    match = _CODE.search(message)
    if match is None:
        return own_error(1002, message.strip()[:ENGINE_TEXT_LIMIT] or "the engine gave no reason")
    code, text = int(match.group(1)), message[match.end() :]
    # A nested exception repeats the prefix; ClickHouse's HTTP handler shows it once.
    while (again := _CODE.match(text)) is not None:
        text = text[again.end() :]
    text = _STACK.sub("", _VERSION.sub("", text)).strip()
    return QueryError(code, text[:ENGINE_TEXT_LIMIT])


def status_of_code(code: int) -> int:
    """HTTP status that ClickHouse sends with error number `code`; 500 for every number it does not list."""
    return _STATUS_OF_CODE.get(code, 500)
