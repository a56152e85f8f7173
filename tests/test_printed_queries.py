"""The queries that the references print, word for word, against our tables: which are right, and what is wrong with the others."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from conftest import Recorder
from evolution_fixtures import Recorded
from evolution_model import SHARED, finite
from genesis_ch import ch_logger, queries
from server_fixtures import ROOT
from test_query_results import same
from test_tables import DOCUMENTED

RowDict = dict[str, Any]
PRINTED = dict(re.findall(r"^-- (\w+)\n(.*?);$", (ROOT / "tests" / "printed_queries.sql").read_text(), re.MULTILINE | re.DOTALL))
SELECTS = [name for name, sql in PRINTED.items() if not sql.startswith("ALTER")]
RUN, YOURS, LOUD, OTHER = "run_20240115_142345", "your_run_id", "YOUR_RUN_ID", "run_12345"
UNKNOWN_COLUMN, UNKNOWN_FUNCTION, ILLEGAL_AGGREGATION, TOO_DEEP, BAD_TTL = 47, 63, 184, 306, 450

# Of two only the condition is printed, one has dots in its list of columns.
COMPLETED = {
    "metadata_key": "SELECT id FROM traces {} AND project_id = 'xxx' ORDER BY id",
    "metadata_value": "SELECT id FROM traces {} AND project_id = 'xxx' ORDER BY timestamp, id",
    "final": "{} ORDER BY timestamp, id",
}

# Those that are right as they are: the query that answers the same, and its parameters.
RIGHT: dict[str, tuple[str, RowDict]] = {
    "configurations": ("compare_configs", {"task_name": "circle_packing"}),
    "trajectory": ("fitness_trajectory", {"run_id": RUN}),
    "best_score_per_generation": ("fitness_trajectory", {"run_id": YOURS}),
    "notebook": ("fitness_trajectory", {"run_id": OTHER}),
    "pareto_members": ("pareto_individuals", {"run_id": RUN}),
    "tree": ("phylogenetic_tree", {"run_id": YOURS}),
    "final": ("traces_of_project", {"project_id": "xxx"}),
    "metadata_value": ("traces_with_metadata_value", {"project_id": "xxx"}),
}


@dataclass
class Asked:
    """A printed query and the file that corrects it."""

    recorded: Recorded
    name: str
    query: str

    def printed(self, *replaced: str) -> list[RowDict]:
        """The rows of the printed form; `replaced` are pairs of a placeholder and what stands for it."""
        sql = COMPLETED.get(self.name, "{}").format(PRINTED[self.name])
        for old, new in zip(replaced[::2], replaced[1::2], strict=True):
            assert old in sql
            sql = sql.replace(old, new)
        return dicts(self.recorded.client.query(sql, settings={"final": 1}))

    def fails(self, *replaced: str) -> int:
        """The number of the error that the printed form ends in."""
        with pytest.raises(DatabaseError) as caught:
            self.printed(*replaced)
        found = re.search(r"Code: (\d+)", str(caught.value))
        assert found
        return int(found[1])

    def corrected(self, **parameters: Any) -> list[RowDict]:
        """The rows of the file."""
        return dicts(queries.get(self.query)(self.recorded.client, **parameters))


def is_older(client: Client, year: int, month: int) -> bool:
    """Whether the server is of an older release."""
    return tuple(int(part) for part in str(client.server_version).split(".")[:2]) < (year, month)


def dicts(result: Any) -> list[RowDict]:
    return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]


Check = Callable[[Asked], None]
WRONG: dict[str, tuple[str, Check]] = {}


def wrong(name: str, query: str) -> Callable[[Check], Check]:
    """Says what is wrong with a printed query that the file of `query` corrects."""

    def keep(check: Check) -> Check:
        WRONG[name] = (query, check)
        return check

    return keep


def shared(printed: list[RowDict], corrected: list[RowDict]) -> bool:
    """Whether both hold the same rows in the columns that the printed form has."""
    names = sorted(printed[0].keys() & corrected[0].keys())
    ours, theirs = (sorted(([row[name] for name in names] for row in rows), key=repr) for rows in (printed, corrected))
    return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs, strict=True))


@wrong("active_runs", "active_runs")
def a_run_that_died_is_active(asked: Asked) -> None:
    printed = asked.printed()
    assert {row["run_id"] for row in printed} - {row["run_id"] for row in asked.corrected()} == {"run_crashed", "run_lost"}
    assert {row["total_generations"] for row in printed} == {0}
    assert {row["run_id"]: row["last_generation"] for row in asked.corrected()} == {OTHER: 8, "run_begun": None}


@wrong("cost_per_generation", "generation_costs")
def a_generation_without_individuals_costs_infinitely(asked: Asked) -> None:
    assert [row["generation"] for row in asked.printed(RUN, LOUD) if row["cost_per_individual"] == math.inf] == [4]
    assert [row["generation"] for row in asked.corrected(run_id=LOUD) if row["cost_per_individual"] is None] == [4]
    assert shared(sorted(asked.printed(), key=lambda row: row["generation"]), asked.corrected(run_id=RUN))


@wrong("breakthrough_generations", "generation_improvements")
def the_first_generation_is_the_greatest_breakthrough(asked: Asked) -> None:
    if is_older(asked.recorded.client, 25, 8):
        assert asked.fails() == UNKNOWN_FUNCTION
        return
    first = asked.printed()[0]
    assert first["generation"] == 0 and first["improvement"] == first["best_score"]
    assert asked.corrected(run_id=RUN)[-1]["improvement"] is None
    nothing = [row["generation"] for row in asked.printed(RUN, YOURS) if math.isnan(row["improvement"])]
    assert nothing == [3, 4], "a generation without a score, and the next one, which has one"
    assert {row["generation"] for row in asked.corrected(run_id=YOURS)} >= {4}


def infinity_is_best(asked: Asked, run: str) -> None:
    printed, corrected = asked.printed(), asked.corrected(run_id=run)
    finite_ones = [row["fitness_score"] for row in printed if row["fitness_score"] != math.inf]
    assert finite_ones == [row["fitness_score"] for row in corrected[: len(finite_ones)]]
    assert not [row for row in corrected if not math.isfinite(row["fitness_score"])]


@wrong("top_10", "top_individuals")
def the_best_score_is_infinite(asked: Asked) -> None:
    assert asked.printed()[0]["fitness_score"] == math.inf
    infinity_is_best(asked, RUN)


@wrong("top_10_across_generations", "top_individuals")
def the_same_in_other_columns(asked: Asked) -> None:
    infinity_is_best(asked, YOURS)


@wrong("best_of_task", "best_individual")
def the_best_of_all_runs_is_infinite(asked: Asked) -> None:
    assert asked.printed()[0]["fitness_score"] == math.inf
    assert math.isfinite(asked.corrected(task_name="circle_packing")[0]["fitness_score"])


@wrong("duplicates", "duplicate_code")
def no_hash_is_the_most_frequent_program(asked: Asked) -> None:
    copies = {row["code_hash"]: row["count"] for row in asked.printed()}
    assert copies.pop("") > max(copies.values())
    assert copies == {row["code_hash"]: row["count"] for row in asked.corrected(run_id=RUN)}


def nan_spoils_the_mean(printed: list[RowDict], corrected: list[RowDict], column: str) -> None:
    assert any(not math.isfinite(row[column]) for row in printed)
    assert all(row[column] is None or math.isfinite(row[column]) for row in corrected)


@wrong("mutation_types", "mutation_effectiveness")
def one_failure_hides_its_type(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(run_id=RUN), "avg_fitness")


@wrong("mutation_quantiles", "mutation_effectiveness")
def one_failure_hides_its_type_here_too(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(run_id=LOUD), "avg_fitness")


@wrong("success_rate", "mutation_success")
def one_failure_hides_the_success(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(run_id=RUN), "avg_delta")
    alone = [row for row in asked.recorded.tables.of_run("lineages", RUN) if row["generation"] > 0 and not row["parent_id"]]
    assert sum(row["total"] for row in asked.printed()) == sum(row["total"] for row in asked.corrected(run_id=RUN)) + len(alone)
    assert alone


@wrong("successful_types", "improvements_by_mutation_type")
def a_parent_of_minus_infinity_spoils_the_mean(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(), "avg_improvement")


@wrong("best_mutations", "best_mutations")
def a_parent_of_minus_infinity_makes_the_best_child(asked: Asked) -> None:
    printed, corrected = asked.printed(), asked.corrected(run_id=RUN)
    infinite = [row for row in printed if row["fitness_delta"] == math.inf]
    finite_ones = [row["fitness_delta"] for row in printed[len(infinite) :]]
    assert infinite and finite_ones == [row["fitness_delta"] for row in corrected[: len(finite_ones)]]


@wrong("prolific_parents", "prolific_parents")
def nobody_has_many_children(asked: Asked) -> None:
    assert "" in [row["parent_id"] for row in asked.printed()]
    assert "" not in [row["parent_id"] for row in asked.corrected(run_id=RUN, limit=1000)]
    nan_spoils_the_mean(asked.printed(), [row for row in asked.corrected(run_id=RUN) if row["avg_improvement"] is not None], "avg_improvement")


@wrong("lineage_of_best", "lineage")
def it_mixes_runs_and_does_not_end(asked: Asked) -> None:
    printed = [tuple(row.values()) for row in asked.printed()]
    runs = {identity.split("/")[0] for identity, *_ in printed} - {SHARED, "common"}
    assert len(runs) > 1, "ancestors in other runs"
    each = [asked.printed(SHARED, row["individual_id"]) for row in asked.recorded.tables.of_run("individuals", RUN) if row["generation"] > 9]
    assert any(len(rows) > len({tuple(row.values()) for row in rows}) for rows in each), "an ancestor once for every path"
    assert asked.fails(SHARED, f"{OTHER}/6-0") == TOO_DEEP
    assert {row["id"].split("/")[0] for row in asked.corrected(run_id=RUN, individual_id=SHARED)} <= {RUN, SHARED, "common"}
    around = [row for row in asked.corrected(run_id=OTHER, individual_id=f"{OTHER}/6-0") if row["id"].startswith(f"{OTHER}/6-")]
    assert {(row["id"][-1], row["parent_id"][-1]) for row in around if "/6-" in row["parent_id"]} == {("0", "1"), ("1", "0")}


@wrong("compare_fronts", "pareto_metrics")
def nested_and_missing_metrics_are_zero(asked: Asked) -> None:
    zeros = {row["individual_id"] for row in asked.printed() if row["accuracy"] == 0.0}
    assert zeros
    flat, nested = (asked.corrected(run_id=RUN, x=name) for name in ("accuracy", "public.accuracy"))
    assert {row["x"] for row in flat if row["individual_id"] in zeros} == {None}
    assert finite(row["x"] for row in nested if row["individual_id"] in zeros and row["x"] is not None)


def resumed(asked: Asked) -> bool:
    """Whether the runs of this database were."""
    starts = [arguments["timestamp"] for method, arguments in asked.recorded.calls if method == "log_evolution_run" and arguments["run_id"] == RUN]
    return len(set(starts)) > 1


def fronts_of_two_attempts(asked: Asked, run: str, generation: int) -> None:
    printed, corrected = asked.printed(), asked.corrected(run_id=run)
    differing = [a["generation"] for a, b in zip(printed, corrected, strict=True) if a["pareto_size"] != b["pareto_size"]]
    assert differing == ([generation] if resumed(asked) else [])


@wrong("front_size", "pareto_front_sizes")
def a_repeated_generation_has_both_fronts(asked: Asked) -> None:
    fronts_of_two_attempts(asked, RUN, 5)


@wrong("front_over_time", "pareto_progress")
def a_repeated_generation_has_both_fronts_here_too(asked: Asked) -> None:
    fronts_of_two_attempts(asked, YOURS, 10)


@wrong("latest_front", "latest_pareto_front")
def the_latest_generation_may_be_a_repeated_one(asked: Asked) -> None:
    assert shared(asked.printed(), asked.corrected(run_id=RUN)), "that of a generation made once"
    printed, corrected = asked.printed(RUN, YOURS), asked.corrected(run_id=YOURS)
    assert (len(printed) > len(corrected)) == resumed(asked)
    assert {row["individual_id"] for row in printed} >= {row["individual_id"] for row in corrected}


@wrong("cost_by_run", "run_costs")
def the_documented_table_has_no_task_name(asked: Asked) -> None:
    """With our column it is right, as long as every row has one, and no cost is NaN."""
    printed, corrected = ([row for row in rows if row["run_id"] != LOUD] for rows in (asked.printed(), asked.corrected()))
    assert shared(printed, corrected)
    client, name = asked.recorded.client, f"db_{uuid.uuid4().hex}"
    client.command(f"CREATE DATABASE {name}")
    client.command(f"CREATE TABLE {name}.generations ({DOCUMENTED['generations']}) ENGINE = MergeTree ORDER BY run_id")
    try:
        assert asked.fails("FROM generations", f"FROM {name}.generations") == UNKNOWN_COLUMN
    finally:
        client.command(f"DROP DATABASE {name}")


@wrong("cost_by_model", "llm_costs_by_model")
def one_unknown_price_hides_a_models_cost(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(), "total_cost")


@wrong("cost_of_models", "llm_costs_by_model")
def one_unknown_price_hides_a_models_cost_here_too(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(), "avg_cost_per_call")


@wrong("cost_by_component", "cost_breakdown")
def one_unknown_cost_hides_the_total(asked: Asked) -> None:
    nan_spoils_the_mean(asked.printed(), asked.corrected(run_id=LOUD), "total_cost")


@wrong("dashboard", "progress")
def the_generation_going_on_is_missing(asked: Asked) -> None:
    assert shared(asked.printed(), asked.corrected(run_id=LOUD)), "of a run that is over it is right"
    printed, corrected = asked.printed(LOUD, OTHER), asked.corrected(run_id=OTHER)
    assert shared(printed, corrected[:-1])
    assert (corrected[-1]["generation"], corrected[-1]["best_score"], corrected[-1]["individuals"]) == (9, None, 2)


@wrong("breakthroughs", "breakthroughs")
def a_window_function_stands_in_having(asked: Asked) -> None:
    assert asked.fails() == ILLEGAL_AGGREGATION
    shares = [row["improvement_pct"] for row in asked.corrected(run_id=OTHER)]
    assert shares[0] is None and all(share > 0.1 for share in shares[1:]), "the first after scores of 0 has no share"
    before = [row for row in asked.recorded.tables.of_run("generations", LOUD) if row["best_score"] < 0]
    assert before and asked.corrected(run_id=LOUD)


@wrong("metadata_key", "traces_with_metadata_key")
def every_trace_has_any_key(asked: Asked) -> None:
    everyone = {row["id"] for row in asked.recorded.tables.traces if row["project_id"] == "xxx"}
    assert {row["id"] for row in asked.printed()} == everyone
    assert {row["id"] for row in asked.printed("environment", "no such key")} == everyone
    assert {row["id"] for row in asked.corrected(project_id="xxx")} < everyone


VERSIONS = """
INSERT INTO {0}.traces (project_id, id, timestamp, name, user_id, event_ts, is_deleted)
SELECT 'default', 'deleted', 0, 'old', 'ann', number, number
FROM numbers(2)
UNION ALL
SELECT 'default', 'changed', 0, if(number = 0, 'old', 'new'), if(number = 0, 'ann', NULL), number, 0
FROM numbers(2)
"""


@wrong("argmax", "newest_traces")
def what_was_deleted_comes_back(asked: Asked) -> None:
    client, name = asked.recorded.client, f"db_{uuid.uuid4().hex}"
    client.command(f"CREATE DATABASE {name}")
    try:
        client.command(f"CREATE TABLE {name}.traces AS {asked.recorded.database}.traces")
        client.command(f"SYSTEM STOP MERGES {name}.traces")
        client.command(VERSIONS.format(name), settings={"optimize_on_insert": 0})
        printed = PRINTED["argmax"].replace(", ...", ", argMax(user_id, event_ts) AS user").replace("FROM traces", f"FROM {name}.traces")
        assert sorted(client.query(printed, settings={"final": 0}).result_rows) == [("new", "ann"), ("old", "ann")]
        corrected = queries.describe("newest_traces").statement.replace("FROM traces", f"FROM {name}.traces")
        (row,) = client.query(corrected, parameters={"project_id": "default"}, settings={"final": 1}).result_rows
        assert row[:3] == ("changed", "new", None)
    finally:
        client.command(f"DROP DATABASE {name}")


@pytest.fixture(params=["clean", "messy"])
def recorded(request: pytest.FixtureRequest) -> Recorded:
    found: Recorded = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_printed_and_right(recorded: Recorded, name: str) -> None:
    query, parameters = RIGHT[name]
    asked = Asked(recorded, name, query)
    printed = asked.printed()
    assert printed and shared(printed, asked.corrected(**parameters))


@pytest.mark.parametrize("name", WRONG)
def test_printed_and_wrong(recorded: Recorded, name: str) -> None:
    query, check = WRONG[name]
    check(Asked(recorded, name, query))
    assert queries.describe(query).printed, "its file has to say why"


def test_every_printed_query_is_judged() -> None:
    assert len(SELECTS) == 30 + 4 and len(PRINTED) == 32 + 4
    assert sorted([*RIGHT, *WRONG]) == sorted(SELECTS)


def test_every_reason_is_tested() -> None:
    told = {name for name in queries.names() if queries.describe(name).printed}
    assert told == {query for query, _ in WRONG.values()}


@pytest.fixture
def ready(recorder: Recorder) -> Iterator[Recorder]:
    ch_logger.connect()
    yield recorder


@pytest.mark.parametrize(("name", "days"), [("keep_llm_logs", 30), ("keep_agent_actions", 90)])
def test_printed_retention(ready: Recorder, name: str, days: int) -> None:
    table = "llm_logs" if "llm" in name else "agent_actions"
    if is_older(ready.reader, 25, 8):
        with pytest.raises(DatabaseError, match=f"Code: {BAD_TTL}"):
            ready.reader.command(PRINTED[name], settings={"database": ready.database})
        return
    ready.reader.command(PRINTED[name], settings={"database": ready.database})
    engine = ready.reader.command(f"SELECT engine_full FROM system.tables WHERE database = '{ready.database}' AND name = '{table}'")
    assert f"TTL timestamp + toIntervalDay({days})" in str(engine)
