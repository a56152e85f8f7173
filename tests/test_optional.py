"""sql/optional: the roll-up of traces can be switched on and off, and answers as computed from what was logged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from conftest import Recorder
from genesis_ch import ch_logger
from server_fixtures import ROOT

OPTIONAL = ROOT / "sql" / "optional"
ROLLUPS = ("traces_all_amt", "traces_7d_amt", "traces_30d_amt")
READ = (
    "SELECT id, anyLast(name), groupUniqArrayArray(tags), maxMap(metadata), argMaxMerge(input), argMaxMerge(output), "
    "arraySort(groupUniqArrayArray(observation_ids)), groupUniqArrayArray(score_ids), sumMap(cost_details)['total'] AS cost, "
    "sumMap(usage_details)['input'] FROM {table} WHERE project_id = 'default' GROUP BY project_id, id ORDER BY id"
)


def run_file(recorder: Recorder, name: str) -> None:
    for statement in (OPTIONAL / f"traces_rollup.{name}.sql").read_text().split(";\n"):
        if statement.strip():
            recorder.reader.command(statement, settings={"database": recorder.database})


def rolled_up(recorder: Recorder, table: str = "traces_all_amt") -> dict[str, tuple[Any, ...]]:
    rows = recorder.reader.query(READ.format(table=f"{recorder.database}.{table}")).result_rows
    return {str(row[0]): tuple(row[1:]) for row in rows}


def log_trace(name: str, costs: list[Decimal]) -> tuple[Any, ...]:
    """A trace with an observation for each cost and one score; what a roll-up has to say about it."""
    trace = ch_logger.log_trace(name, id=name, input={"asked": name}, output="answer", tags=["a"], metadata={"key": name})
    ids = [
        ch_logger.log_observation("call", "GENERATION", trace_id=trace, usage={"input": 7}, cost=float(cost)) for cost in costs
    ]
    score = ch_logger.log_score("quality", 0.5, trace_id=trace)
    return name, ["a"], {"key": name}, f'{{"asked":"{name}"}}', "answer", sorted(ids), [score], sum(costs), 7 * len(costs)


def delivered() -> None:
    result = ch_logger.flush(60)
    assert result, (result, ch_logger.stats())


def test_rows_of_before_and_after_are_rolled_up(recorder: Recorder) -> None:
    expected = {"before": log_trace("before", [Decimal("0.25"), Decimal("0.5")])}
    delivered()
    for _ in range(2):
        run_file(recorder, "up")
    run_file(recorder, "fill")
    expected["after"] = log_trace("after", [Decimal("0.125"), Decimal("1.5"), Decimal("2.25")])
    delivered()
    for table in ROLLUPS:
        assert rolled_up(recorder, table) == expected, table
        recorder.reader.command(f"OPTIMIZE TABLE {recorder.database}.{table} FINAL")
        assert rolled_up(recorder, table) == expected, table


def test_what_is_sent_again_counts_twice_in_sums_and_nowhere_else(recorder: Recorder) -> None:
    """The file says so, and the base table has the right sum."""
    ch_logger.connect()
    run_file(recorder, "up")
    ch_logger.log_trace("first", id="t", tags=["a"], input="one")
    observation = ch_logger.log_observation("call", "GENERATION", trace_id="t", cost=0.5, usage={"input": 10})
    delivered()
    ch_logger.log_trace("second", id="t", tags=["b"], input="two")
    ch_logger.log_observation("call", "GENERATION", id=observation, trace_id="t", cost=0.5)
    delivered()
    name, tags, _, text, _, observations, _, cost, tokens = rolled_up(recorder)["t"]
    assert (name, text, observations) == ("second", "two", [observation])
    assert "b" in tags
    assert (cost, tokens) == (Decimal(1), 20)
    (row,) = recorder.read("observations", "cost_details['total'] AS cost, usage_details['input'] AS tokens")
    assert row == {"cost": Decimal("0.5"), "tokens": 10}


def test_old_rows_leave_the_rollups_with_a_ttl(recorder: Recorder) -> None:
    ch_logger.connect()
    run_file(recorder, "up")
    ch_logger.log_trace("old", id="old", timestamp="2020-01-01T00:00:00Z")
    ch_logger.log_trace("new", id="new")
    delivered()
    for table in ROLLUPS:
        recorder.reader.command(f"OPTIMIZE TABLE {recorder.database}.{table} FINAL")
    assert [sorted(rolled_up(recorder, table)) for table in ROLLUPS] == [["new", "old"], ["new"], ["new"]]


def test_it_can_be_taken_away_while_rows_arrive(recorder: Recorder) -> None:
    ch_logger.connect()
    before = recorder.reader.query(f"SHOW TABLES FROM {recorder.database}").result_rows
    run_file(recorder, "up")
    log_trace("one", [Decimal(1)])
    for _ in range(2):
        run_file(recorder, "down")
    log_trace("two", [Decimal(1)])
    assert len(recorder.rows("observations")) == 2
    assert recorder.reader.query(f"SHOW TABLES FROM {recorder.database}").result_rows == before
