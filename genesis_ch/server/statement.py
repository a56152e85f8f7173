"""Just enough reading of SQL text to know where an INSERT's data begins and which output format a SELECT asks for.

Text is bytes throughout: a query may hold bytes that are no valid UTF-8, and data behind a query usually does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<space>\s+ | --[^\n]*\n? | \#[\ !][^\n]*\n? | /\*.*?\*/)
  | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<other>\d[\w.]* | .)
    """,
    re.VERBOSE | re.DOTALL,
)
_INSERT_HEAD = re.compile(rb"(?:\s|--[^\n]*\n|\#[\ !][^\n]*\n|/\*.*?\*/)*insert\b", re.IGNORECASE | re.DOTALL)
_FORMAT_WORD = re.compile(rb"\bformat\b", re.IGNORECASE)
_GAP_BEFORE_DATA = re.compile(rb"[ \t\f\v]*\r?\n?")
_PLAIN_INSERT_WORDS = frozenset({b"SELECT", b"WITH", b"FROM", b"WATCH", b"EXPLAIN"})


@dataclass(frozen=True, slots=True)
class DataInsert:
    """An INSERT whose rows follow its text: `sql` ends before FORMAT or VALUES, data begins at byte `data_at`."""

    sql: bytes
    format: str
    data_at: int


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """The FORMAT clause of a query: `name`, and the byte offset `at` of the word FORMAT."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: bytes
    start: int
    end: int
    depth: int

    @property
    def upper(self) -> bytes:
        return self.text.upper() if self.kind == "word" else b""


def is_insert(sql: bytes) -> bool:
    """True if the first word behind comments is INSERT."""
    return _INSERT_HEAD.match(sql) is not None


def first_word(sql: bytes) -> bytes:
    """The first word behind comments in upper case, or the first character if that is no word; empty for no text."""
    token = next(_tokens(sql), None)
    return (token.upper or token.text) if token else b""


def find_insert_data(sql: bytes) -> DataInsert | None:
    """Find the data of `INSERT INTO t [(columns)] [SETTINGS ...] FORMAT f data` or `... VALUES data`.

    None for every other statement: INSERT ... SELECT, INSERT ... FROM INFILE, and text that ends before either word.
    """
    if not is_insert(sql):
        return None
    tokens = _tokens(sql)
    if not _skip_target(tokens):
        return None
    before = b""
    for token in tokens:
        behind_dot, before = before == b".", token.text
        if token.depth == 1 and token.upper in (b"SELECT", b"WITH"):
            return None
        if token.depth or token.kind != "word" or behind_dot:
            continue
        if token.upper in _PLAIN_INSERT_WORDS:
            return None
        if token.upper == b"VALUES":
            return DataInsert(sql[: token.start], "Values", token.end)
        if token.upper == b"FORMAT":
            name = next(tokens, None)
            if name is None or name.kind != "word":
                return None
            gap = _GAP_BEFORE_DATA.match(sql, name.end)
            return DataInsert(sql[: token.start], name.text.decode("ascii"), gap.end() if gap else name.end)
    return None


def find_insert_settings(sql: bytes) -> int:
    """Byte offset of the SETTINGS clause of an INSERT without its data, or of its end: where FROM INFILE goes."""
    tokens = _tokens(sql)
    _skip_target(tokens)
    before = b""
    for token in tokens:
        if token.upper == b"SETTINGS" and token.depth == 0 and token.kind == "word" and before != b".":
            return token.start
        before = token.text
    return len(sql)


def find_output_format(sql: bytes) -> OutputFormat | None:
    """Find the FORMAT clause that ends a query (SETTINGS may follow it); None if there is none."""
    if not _FORMAT_WORD.search(sql):
        return None
    found: OutputFormat | None = None
    previous: _Token | None = None
    for token in _tokens(sql):
        if previous is not None and previous.upper == b"FORMAT" and token.kind == "word":
            found = OutputFormat(token.text.decode("ascii"), previous.start)
        elif found is not None and token.upper in (b"SELECT", b"FROM", b"UNION", b"WHERE"):
            found = None
        previous = token if token.depth == 0 else None
    return found


def end_of_statement(sql: bytes) -> int:
    """Byte offset behind the last token that is neither a blank, a comment nor a closing semicolon."""
    end = 0
    for token in _tokens(sql):
        if token.text != b";":
            end = token.end
    return end


def quote_literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_identifier(name: str) -> str:
    """`name` as an SQL identifier between backticks."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _tokens(sql: bytes) -> Iterator[_Token]:
    depth = 0
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or ""
        if match.group("quoted") is not None:
            kind = "quoted"
        if kind == "space":
            continue
        text = match.group()
        if text in b")]}" and kind == "other":
            depth -= 1
        yield _Token(kind, text, match.start(), match.end(), depth)
        if text in b"([{" and kind == "other":
            depth += 1


def _skip_target(tokens: Iterator[_Token]) -> bool:
    """Move past `INSERT [INTO] [TABLE] [FUNCTION] name`, so that a table may be named like a keyword."""
    next(tokens, None)
    for token in tokens:
        if token.upper in (b"INTO", b"TABLE", b"FUNCTION"):
            continue
        return token.kind in ("word", "quoted") or token.text == b"{"
    return False
