"""`genesis-ch query`: the list, the answers, the formats, and what it says about mistakes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest

from cli_fixtures import World
from cli_fixtures import shared_world as shared_world
from cli_fixtures import world as world
from genesis_ch import queries
from test_cli_doctor import closed_port

RUNS = """
import math
from genesis_ch import ch_logger
for day, run in enumerate(("run_a_1", "run_a_2", "last")):
    ch_logger.log_evolution_run(run, "task", {}, 2, "local", "/p", timestamp=f"2026-01-0{day + 1}T00:00:00+00:00")
    for n in range(3):
        ch_logger.log_individual(run, f"{run}-{n}", n, "", "init", math.nan if n == 2 else n + day, 0.5, {"text": "long " * 40}, n == 1)
assert ch_logger.flush(60)
"""


@pytest.fixture(scope="module")
def filled(shared_world: World) -> Iterator[World]:
    """Three runs of three individuals."""
    done = shared_world.python("-c", RUNS)
    assert done.returncode == 0, done.stderr
    yield shared_world


def test_the_list(filled: World) -> None:
    done = filled.cli("query")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert list(lines) == queries.names()
    assert all(queries.describe(name).question in line for name, line in lines.items())
    assert lines["best_individual"].endswith("needs task_name")


def test_the_latest_run_as_a_table(filled: World) -> None:
    done = filled.cli("query", "top_individuals")
    assert (done.returncode, done.stderr) == (0, "run_id=last\n")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if line.startswith("│")]
    assert [row[:3] for row in rows] == [["last-1", "1", "3"], ["last-0", "0", "2"]]
    assert all(row[-1].endswith("...") for row in rows), "long text is cut"


def test_the_beginning_of_a_run_id_and_machine_formats(filled: World) -> None:
    words = ("query", "pareto_individuals", "--param", "run_id=la", "--format")
    row = {"generation": 1, "individual_id": "last-1", "fitness_score": 3.0, "combined_score": 0.5}
    done = filled.cli(*words, "json")
    assert (done.returncode, done.stderr, json.loads(done.stdout)) == (0, "run_id=last\n", [row])
    assert list(csv.DictReader(io.StringIO(filled.cli(*words, "csv").stdout))) == [
        {"generation": "1", "individual_id": "last-1", "fitness_score": "3", "combined_score": "0.5"}
    ]
    exact = filled.cli("query", "lineage", "-p", "run_id=run_a_1", "-p", "individual_id=x", "--format", "json")
    assert (exact.returncode, exact.stderr, json.loads(exact.stdout)) == (0, "", [])


def test_a_run_that_is_not_known_or_not_clear(filled: World) -> None:
    several = filled.cli("query", "top_individuals", "-p", "run_id=run_a")
    assert (several.returncode, several.stdout) == (2, "")
    assert "run_id run_a is the beginning of several: run_a_2, run_a_1\n" in several.stderr
    unknown = filled.cli("query", "top_individuals", "-p", "run_id=nope")
    assert (unknown.returncode, unknown.stdout) == (0, "no rows\n")
    assert unknown.stderr == "no run_id begins with nope: it is used as it is\n"


def test_mistakes_cost_no_connection(filled: World) -> None:
    for words, reason in (
        (["top_individual"], "no query 'top_individual', did you mean 'top_individuals'?"),
        (["top_individuals", "-p", "limt=3"], "top_individuals has no parameter 'limt', did you mean 'limit'?"),
        (["best_individual"], "best_individual needs task_name (String): the task"),
        (["top_individuals", "-p", "limit=ten"], "limit: 'ten' is no UInt32"),
        (["top_individuals", "-p", "limit"], "--param limit: write NAME=VALUE"),
    ):
        done = filled.cli("query", *words, CLICKHOUSE_URL=f"http://u:p@127.0.0.1:{closed_port()}/d")
        assert (done.returncode, done.stdout) == (2, ""), words
        assert f"Error: {reason}" in done.stderr


def test_the_file_itself(filled: World) -> None:
    done = filled.cli("query", "run_costs", "--sql")
    assert (done.returncode, done.stdout, done.stderr) == (0, queries.text("run_costs"), "")


def test_an_empty_store_and_a_server_that_is_down(world: World) -> None:
    done = world.cli("query", "top_individuals")
    assert done.returncode == 1 and done.stdout.startswith("❌ No run was recorded")
    url = f"http://u:p@127.0.0.1:{closed_port()}/d"
    down = world.cli("query", "run_costs", "--timeout", "5", CLICKHOUSE_URL=url)
    assert down.returncode == 1 and down.stdout.startswith("❌ Nothing was asked: no answer from ClickHouse")
