"""The queries of sql/queries as functions: one file, one question, one function.

    from genesis_ch import ch_logger, queries

    queries.names()                                                  # all of them
    help(queries.top_individuals)                                    # the question and the parameters
    result = queries.top_individuals(ch_logger.client, run_id=run)   # a clickhouse-connect QueryResult
    result.column_names, result.result_rows
    frame = ch_logger.client.query_df(*queries.bind("top_individuals", run_id=run))

A function takes a clickhouse-connect client, reads with SETTINGS, of which final=1 is one, and hands every value over as a bound parameter.

A file begins with comments, one line each: the question; notes, of which "Printed form: ..." says why the file differs from a query that
is printed in a reference; and its parameters, `-- param limit = 10: what it is`, where a default is a Python literal and a parameter
without one is required. One SELECT follows, with each parameter as {name:Type}.
"""

from __future__ import annotations

import ast
import functools
import operator
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter as Argument
from inspect import Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._client import READING
from ._nearest import nearest
from ._runtime import sql_folder

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.query import QueryResult

__all__ = ["Parameter", "Query", "bind", "describe", "get", "names", "parse", "text"]

_PROFILE = {"join_use_nulls": 0, "aggregate_functions_null_for_empty": 0, "prefer_column_name_to_alias": 0}
SETTINGS = {**READING, **_PROFILE, "do_not_merge_across_partitions_select_final": 1}
"""Each row of our tables once. No key of theirs is in two partitions, so each is looked at by itself, and only those of the time asked for.
What a user's profile may change in the meaning of a query is as the server has it."""
PRINTED = "Printed form: "
_REQUIRED: Any = Argument.empty
_PARAM = re.compile(r"param (\w+)(?: = (.+?))?: (.+)")
_PLACE = re.compile(r"\{(\w+):([^{}]+)\}")
_KINDS = ((r"U?Int\d+", int), (r"Float\d+", float), (r"Bool", bool), (r"String|LowCardinality\(String\)", str))


@dataclass(frozen=True)
class Parameter:
    """What a query asks for. `type` is ClickHouse's; `default` is inspect.Parameter.empty when there is none."""

    name: str
    type: str
    meaning: str
    default: Any = _REQUIRED

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is _REQUIRED

    @property
    def kind(self) -> Any:
        """The Python type of a value."""
        if self.type.startswith("Array("):
            return list
        return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, self.type)), Any)

    def convert(self, value: Any) -> Any:
        """A value as clickhouse-connect binds it; text that a command line gave counts too. Raises ValueError."""
        try:
            if self.kind is list:
                element = replace(self, type=self.type.removeprefix("Array(").removesuffix(")"))
                return [element.convert(part) for part in _list(value)]
            if self.kind is bool and isinstance(value, str):
                return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
            if self.kind is str and isinstance(value, os.PathLike):
                return os.fspath(value)
            if self.kind is int:
                return _integer(value, signed=not self.type.startswith("U"))
            return value if self.kind is Any else self.kind(value)
        except (TypeError, ValueError, KeyError):
            raise ValueError(f"{self.name}: {value!r} is no {self.type}") from None


@dataclass(frozen=True)
class Query:
    """One file of sql/queries. `statement` is what is sent: the text without its comments at the beginning."""

    name: str
    question: str
    notes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    text: str
    statement: str

    @property
    def printed(self) -> str:
        """Why the form that a reference prints fails or misleads; "" when it does not or there is none."""
        return next((note.removeprefix(PRINTED) for note in self.notes if note.startswith(PRINTED)), "")

    def values(self, given: dict[str, Any]) -> dict[str, Any]:
        """Every parameter with its value; None counts as not given. Raises TypeError for one unknown or missing, ValueError."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise TypeError(f"{self.name} has no parameter {name!r}{_nearest(name, list(known), 'it has none')}")
        found = {name: given[name] for name in given if given[name] is not None}
        missing = [p for p in self.parameters if p.required and p.name not in found]
        if missing:
            wanted = "; ".join(f"{p.name} ({p.type}): {p.meaning}" for p in missing)
            raise TypeError(f"{self.name} needs {wanted}")
        return {p.name: p.convert(found[p.name]) if p.name in found else p.default for p in self.parameters}


def names() -> list[str]:
    """The names of all queries."""
    return sorted(_files())


def describe(name: str) -> Query:
    """A query: its question, notes, parameters and text. Raises LookupError, with the nearest name, when there is none."""
    if name not in _files():
        raise LookupError(f"no query {name!r}{_nearest(name, names(), 'there are none')}; all of them: genesis_ch.queries.names() or `genesis-ch query`")
    return _load(name)


def text(name: str) -> str:
    """The file of a query, comments included. Raises LookupError."""
    return describe(name).text


def bind(name: str, **parameters: Any) -> tuple[str, dict[str, Any]]:
    """The statement of a query and all of its parameters, for other methods of a client: client.query_df(*bind(name, run_id=run)).

    The client must read with final=1, as ch_logger.client does. Raises LookupError, TypeError and ValueError as a query does.
    """
    query = describe(name)
    return query.statement, query.values(parameters)


@functools.cache
def get(name: str) -> Callable[..., QueryResult]:
    """The function of a query, by its name. Raises LookupError."""
    query = describe(name)

    def run(client: Client, **parameters: Any) -> QueryResult:
        values = query.values(parameters)
        if client is None:
            raise TypeError(f"{name} needs a clickhouse-connect client; ch_logger.client is None when recording is disabled")
        return client.query(query.statement, parameters=values, settings=SETTINGS)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = _docstring(query)
    run.__signature__ = _signature(query)  # type: ignore[attr-defined]
    return run


def __getattr__(name: str) -> Callable[..., QueryResult]:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return get(name)
    except LookupError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    return sorted([*__all__, *names()])


@functools.cache
def _files() -> dict[str, Path]:
    """The file of every query: genesis_ch/sql in an installed package, sql/ beside it in a checkout."""
    return {path.stem: path for path in sql_folder("queries").glob("*.sql")}


@functools.cache
def _load(name: str) -> Query:
    return parse(name, _files()[name].read_text(encoding="utf-8"))


def parse(name: str, source: str) -> Query:
    """Reads the text of a file. Raises ValueError when it breaks a rule of the module's description."""
    lines = source.splitlines()
    head = next((place for place, line in enumerate(lines) if not line.startswith("-- ")), len(lines))
    comments = [line.removeprefix("-- ") for line in lines[:head]]
    statement = "\n".join(lines[head:]).strip()
    types = dict(_PLACE.findall(statement))
    declared = [found for comment in comments if (found := _PARAM.fullmatch(comment))]
    notes = tuple(comment for comment in comments[1:] if not comment.startswith("param "))
    if not comments or not comments[0].endswith("?"):
        raise ValueError(f"{name}.sql: the first line must be a comment with a question")
    if len(comments) != 1 + len(notes) + len(declared):
        raise ValueError(f"{name}.sql: a parameter is written `-- param name: what it is` or `-- param name = default: what it is`")
    if {found[1] for found in declared} != types.keys() or len(declared) != len(types) or "client" in types:
        raise ValueError(f"{name}.sql: its parameters {[found[1] for found in declared]} are not those that it uses, {list(types)}")
    if not statement or ";" in statement:
        raise ValueError(f"{name}.sql: one statement without a semicolon must follow the comments")
    parameters = tuple(_parameter(name, types[found[1]], *found.groups()) for found in declared)
    return Query(name, comments[0], notes, parameters, source, statement)


def _parameter(query: str, kind: str, name: str, default: str | None, meaning: str) -> Parameter:
    try:
        value = _REQUIRED if default is None else ast.literal_eval(default)
    except (ValueError, SyntaxError):
        raise ValueError(f"{query}.sql: the default of {name} is no Python literal: {default}") from None
    return Parameter(name, kind, meaning, value)


def _integer(value: Any, signed: bool) -> int:
    number = int(value) if isinstance(value, str) else operator.index(value)
    if number < 0 and not signed:
        raise ValueError(number)
    return number


def _list(value: Any) -> list[Any]:
    """A list from any sequence, or from the text of a command line, where commas divide it."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return list(value)


def _nearest(name: str, known: Sequence[str], none: str) -> str:
    """The end of a message about a wrong name."""
    close = nearest(name, known)
    if close:
        return f", did you mean {close[0]!r}?"
    return f"; it knows {', '.join(known)}" if 0 < len(known) < 10 else "" if known else f"; {none}"


def _signature(query: Query) -> Signature:
    arguments = [
        Argument(p.name, Argument.KEYWORD_ONLY, default=p.default, annotation=p.kind) for p in sorted(query.parameters, key=lambda p: not p.required)
    ]
    client = Argument("client", Argument.POSITIONAL_OR_KEYWORD, annotation="Client")
    return Signature([client, *arguments], return_annotation="QueryResult")


def _docstring(query: Query) -> str:
    parts = [query.question, "\n".join(query.notes)]
    parts.append("\n".join(f"{p.name}: {p.meaning} ({p.type}{'' if p.required else f', default {p.default!r}'})" for p in query.parameters))
    return "\n\n".join(part for part in parts if part)
