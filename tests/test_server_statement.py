"""genesis_ch/server/statement.py: where an INSERT's data begins, which format a query asks for."""

from __future__ import annotations

import pytest

from genesis_ch.server.statement import (
    end_of_statement,
    find_insert_data,
    find_output_format,
    first_word,
    quote_identifier,
    quote_literal,
)


@pytest.mark.parametrize(
    ("sql", "head", "name", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2", b"INSERT INTO t ", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT CSV \r\n\r\n1,2", b"INSERT INTO t ", "CSV", b"\r\n1,2"),
        (b"insert into t(a) format Native\n\n\x00", b"insert into t(a) ", "Native", b"\n\x00"),
        (b"INSERT INTO t FORMAT CSV 1,2", b"INSERT INTO t ", "CSV", b"1,2"),
        (b"INSERT INTO t VALUES (1),(2)", b"INSERT INTO t ", "Values", b" (1),(2)"),
        (b"--FORMAT x\nINSERT INTO t/*VALUES*/VALUES(1)", b"--FORMAT x\nINSERT INTO t/*VALUES*/", "Values", b"(1)"),
        (b"INSERT INTO `a FORMAT CSV` FORMAT TSV\nx", b"INSERT INTO `a FORMAT CSV` ", "TSV", b"x"),
        (b"INSERT INTO format FORMAT TSV\nx", b"INSERT INTO format ", "TSV", b"x"),
        (b"INSERT INTO db.values (`values`) VALUES (1)", b"INSERT INTO db.values (`values`) ", "Values", b" (1)"),
        (b"INSERT INTO t SETTINGS b='FORMAT X' FORMAT TSV\nx", b"INSERT INTO t SETTINGS b='FORMAT X' ", "TSV", b"x"),
        (b"INSERT INTO FUNCTION null('a Int8') FORMAT TSV\nx", b"INSERT INTO FUNCTION null('a Int8') ", "TSV", b"x"),
        (b"INSERT INTO {t:Identifier} (a) FORMAT TSV\nx", b"INSERT INTO {t:Identifier} (a) ", "TSV", b"x"),
        (b"INSERT t FORMAT TSV\nx", b"INSERT t ", "TSV", b"x"),
    ],
)  # fmt: skip
def test_data_behind_an_insert_is_found(sql: bytes, head: bytes, name: str, data: bytes) -> None:
    found = find_insert_data(sql)
    assert found is not None
    assert (found.sql, found.format, sql[found.data_at :]) == (head, name, data)


@pytest.mark.parametrize(
    "sql",
    [
        b"",
        b"INSERT",
        b"INSERT INTO t",
        b"INSERT INTO t FORMAT",
        b"INSERT INTO t SELECT 1 FORMAT CSV",
        b"INSERT INTO t (a) WITH 1 AS x SELECT x",
        b"INSERT INTO t (SELECT 'VALUES (1)')",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"SELECT 'INSERT INTO t VALUES (1)'",
        b"-- INSERT INTO t VALUES (1)\nSELECT 1",
        b"CREATE TABLE insert_into (a Int8)",
    ],
)
def test_other_statements_have_no_data(sql: bytes) -> None:
    assert find_insert_data(sql) is None


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1\n FORMAT Native", "Native"),
        (b"SELECT 1 FORMAT JSON SETTINGS max_threads=1;", "JSON"),
        (b"SELECT format('{}', 1)", None),
        (b"SELECT 'x FORMAT JSON'", None),
        (b"SELECT 1 -- FORMAT JSON", None),
        (b"SELECT a.format FROM (SELECT 1 AS format) AS a", None),
        (b"SELECT 1", None),
    ],
)
def test_output_format_is_the_trailing_clause(sql: bytes, name: str | None) -> None:
    found = find_output_format(sql)
    assert (found.name if found else None) == name
    if found:
        assert sql[found.at :].upper().startswith(b"FORMAT")


def test_the_end_of_a_statement_leaves_out_comments_and_semicolons() -> None:
    assert end_of_statement(b"SELECT 1 ; -- x\n") == len(b"SELECT 1")
    assert end_of_statement(b" -- nothing\n ;") == 0
    assert end_of_statement(b"SELECT ';'") == len(b"SELECT ';'")


def test_the_first_word_is_behind_comments() -> None:
    assert first_word(b"/* a */ -- b\n select 1") == b"SELECT"
    assert first_word(b"(SELECT 1)") == b"("
    assert first_word(b"") == b""


def test_quotes_cannot_be_left() -> None:
    assert quote_literal("a'b\\") == "'a\\'b\\\\'"
    assert quote_identifier("a`b\\") == "`a\\`b\\\\`"
