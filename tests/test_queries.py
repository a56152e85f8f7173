"""genesis_ch.queries: files as functions, what they are called with, and what their authors may write."""

from __future__ import annotations

import inspect
import math
import pydoc
import re
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

import genesis_ch
from conftest import Recorder, Script
from genesis_ch import ch_logger, queries
from genesis_ch.server.rights import Allow, Rights
from server_fixtures import ROOT

FILES = sorted((ROOT / "sql" / "queries").glob("*.sql"))
GOOD = """-- How many are there?
-- Printed form: counts twice.
-- A remark.
-- param run_id: the run
-- param limit = 10: how many
-- param names = ['a', 'b']: which
SELECT count()
FROM t
WHERE run_id = {run_id:String}
    AND has({names:Array(String)}, name)
LIMIT {limit:UInt32}
"""
AWKWARD = "a 'b' \"c\" \\ \t\n % {x:String} %(y)s {{z}} -- $$ é \U0001f600 `"


def test_a_file_is_read() -> None:
    query = queries.parse("good", GOOD)
    assert (query.question, query.printed, query.notes[1:]) == ("How many are there?", "counts twice.", ("A remark.",))
    assert [(p.name, p.type, p.kind, p.required) for p in query.parameters] == [
        ("run_id", "String", str, True),
        ("limit", "UInt32", int, False),
        ("names", "Array(String)", list, False),
    ]
    assert query.statement.startswith("SELECT") and query.text == GOOD
    assert query.values({"run_id": Path("r"), "limit": "3", "names": "x, y"}) == {"run_id": "r", "limit": 3, "names": ["x", "y"]}
    assert query.values({"run_id": 5, "limit": None}) == {"run_id": "5", "limit": 10, "names": ["a", "b"]}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("there?", "there.", "question"),
        ("-- param run_id: the run\n", "", "not those that it uses"),
        ("{run_id:String}", "'r'", "not those that it uses"),
        ("-- param limit = 10: ", "-- param limit = ten: ", "no Python literal"),
        ("-- param limit = 10: how many", "-- param limit", "is written"),
        ("UInt32}", "UInt32};", "without a semicolon"),
        (GOOD[GOOD.index("SELECT") :], "", "not those that it uses"),
        ("run_id", "client", "not those that it uses"),
    ],
)
def test_a_wrong_file_is_named(old: str, new: str, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"^odd\.sql: .*{reason}"):
        queries.parse("odd", GOOD.replace(old, new))


@pytest.mark.parametrize("given", [{"limit": "ten"}, {"limit": 1.5}, {"limit": -1}, {"limit": [1]}, {"names": 3}])
def test_a_value_of_another_type_is_named(given: dict[str, Any]) -> None:
    ((name, value),) = given.items()
    with pytest.raises(ValueError, match=rf"^{name}: {re.escape(repr(value))} is no "):
        queries.parse("good", GOOD).values({"run_id": "r", **given})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    query = queries.describe(path.stem)
    assert text.endswith("\n") and "\t" not in text and text.count("?\n") == 1
    code = re.sub(r"'[^']*'|\{[^}]*\}", "", query.statement)
    lower = re.findall(r"\b(select|from|where|group|order|limit|having|with|join|union|as|and|or|not|over|partition|settings|desc)\b", code)
    assert lower == [] and "FINAL" not in code
    assert re.findall(r"\bFROM \w+\.\w+", code) == [], "the database is that of the client"
    Rights(Allow(kernel=False)).check(query.statement.encode(), reads_only=True)  # not taken for one that reads files
    assert path.stem not in vars(queries) and path.stem.isidentifier()


def test_functions_document_themselves() -> None:
    assert {path.stem for path in FILES} == set(queries.names()) <= set(dir(queries))
    for name in queries.names():
        query, function = queries.describe(name), getattr(queries, name)
        assert function is queries.get(name) and function.__name__ == name
        assert function.__doc__.startswith(query.question)
        parameters = inspect.signature(function).parameters
        assert list(parameters)[0] == "client" and parameters.keys() - {"client"} == {p.name for p in query.parameters}
    assert "top_individuals(client: 'Client', *, run_id: str, limit: int = 10)" in pydoc.plain(pydoc.render_doc(queries.top_individuals))


def test_wrong_names_get_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean 'top_individuals'"):
        _ = queries.top_individual
    with pytest.raises(LookupError, match="no query 'lineages', did you mean 'lineage'"):
        queries.text("lineages")
    with pytest.raises(TypeError, match="top_individuals has no parameter 'runid', did you mean 'run_id'"):
        queries.top_individuals(None, runid="r")
    with pytest.raises(TypeError, match=r"top_individuals needs run_id \(String\): the run$"):
        queries.top_individuals(None, limit=3)
    with pytest.raises(TypeError, match="run_costs has no parameter 'run_id'; it has none"):
        queries.bind("run_costs", run_id="r")
    with pytest.raises(TypeError, match="needs a clickhouse-connect client"):
        queries.run_costs(None)
    with pytest.raises(AttributeError, match="has no attribute '_x'"):
        _ = queries._x


def test_import_is_light(script: Script) -> None:
    program = """
    import sys, genesis_ch
    assert "genesis_ch.queries" not in sys.modules and "queries" in dir(genesis_ch)
    assert "run_costs" in genesis_ch.queries.names()
    assert genesis_ch.queries.run_costs.__doc__
    assert "clickhouse_connect" not in sys.modules
    try:
        genesis_ch.querries
    except AttributeError as error:
        assert "querries" in str(error)
    else:
        raise SystemExit(1)
    """
    script.run(inspect.cleandoc(program))
    assert genesis_ch.queries is queries


def test_parameters_are_bound_not_pasted(recorder: Recorder) -> None:
    for run in (AWKWARD, "other"):
        ch_logger.log_generation(run, 0, 1, 2.5, 1.5, 1)
    ch_logger.flush(30)
    client = ch_logger.client
    assert client is not None
    assert queries.fitness_trajectory(client, run_id=AWKWARD).result_rows == [(0, 2.5, 1.5, 1, 0.0, 2.5)]
    frame = client.query_df(*queries.bind("fitness_trajectory", run_id=AWKWARD))
    assert list(frame["best_score"]) == [2.5]
    assert queries.fitness_trajectory(client, run_id="' OR 1 --").result_rows == []


def test_each_row_is_seen_once_by_any_client(recorder: Recorder) -> None:
    ch_logger.connect()
    recorder.reader.command(f"SYSTEM STOP MERGES {recorder.database}.generations")
    for score in (1.0, 2.0):
        ch_logger.log_generation("r", 0, 1, score, score, 1)
        ch_logger.flush(30)
    ch_logger.log_llm_interaction("m", [], "", cost=math.nan)
    ch_logger.flush(30)
    others = {"final": 0, "join_use_nulls": 1, "aggregate_functions_null_for_empty": 1, "prefer_column_name_to_alias": 1}
    with clickhouse_connect.get_client(dsn=recorder.url, settings=others) as client:
        assert client.query("SELECT count() FROM generations").result_rows == [(2,)]
        assert queries.fitness_trajectory(client, run_id="r").result_rows == [(0, 2.0, 2.0, 1, 0.0, 2.0)]
        assert queries.llm_costs_by_model(client).result_rows == [("m", 1, None, None, 0.0, 0.0)]


def test_every_query_is_in_queries_md() -> None:
    lines = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8").splitlines()
    known = [queries.describe(name) for name in queries.names()]
    wanted = []
    for query in known:
        parameters = ", ".join(f"`{p.name}`" if p.required else f"`{p.name} = {p.default!r}`" for p in query.parameters)
        wanted.append(f"| `{query.name}` | {query.question} | {parameters} |")
    wanted += [f"| `{query.name}` | {query.printed} |" for query in known if query.printed]
    assert [line for line in lines if line.startswith("| `")] == wanted
