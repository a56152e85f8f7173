"""Rows with ids on every engine: what calls gave, merged with what is stored, in one batch and over many. Part of `make engines`."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from conftest import Recorder
from genesis_ch import ch_logger

FIRST, LATER = "2026-01-31T23:59:59.999+00:00", "2026-02-01T00:00:01+00:00"


def one(recorder: Recorder, table: str, columns: str) -> dict[str, Any]:
    """The only row that a reader with FINAL sees."""
    (row,) = recorder.rows(table, columns)
    return row


@pytest.mark.parametrize("batches", [1, 4], ids=["one batch", "many batches"])
def test_observation_is_built_up_by_calls(recorder: Recorder, batches: int) -> None:
    def deliver() -> None:
        if batches > 1:
            assert ch_logger.flush(60), ch_logger.stats()

    id = ch_logger.log_observation("think", "generation", trace_id="t", start_time=FIRST, metadata={"a": 1, "b": "x"})
    deliver()
    ch_logger.log_observation(id=id, output="€\n\t", metadata={"b": "y"}, start_time=LATER)
    deliver()
    ch_logger.log_observation(id=id, usage={"input_tokens": 7, "output_tokens": 2}, cost=0.000000000123)
    deliver()
    ch_logger.log_observation(id=id, end_time=LATER, metadata={"c": "z"}, level="WARNING")
    row = one(
        recorder,
        "observations",
        "name, type, trace_id, output, input, metadata, usage_details, cost_details, total_cost, level, "
        "toString(start_time) AS start, toString(assumeNotNull(end_time)) AS end",
    )
    assert row["start"] == "2026-01-31 23:59:59.999" and row["end"] == "2026-02-01 00:00:01.000"
    assert (row["name"], row["type"], row["trace_id"]) == ("think", "GENERATION", "t")
    assert (row["output"], row["input"], row["level"]) == ("€\n\t", None, "WARNING")
    assert row["metadata"] == {"a": "1", "b": "y", "c": "z"}
    assert row["usage_details"]["input"] == 7 and row["usage_details"]["output"] == 2
    assert row["total_cost"] == Decimal("0.000000000123")


def test_traces_and_scores_end_with_a_tombstone(recorder: Recorder) -> None:
    trace = ch_logger.log_trace("run", user_id="u", tags=["a"], input={"q": 1}, timestamp=FIRST)
    score = ch_logger.log_score("fitness", 0.5, trace_id=trace)
    ch_logger.log_score(id=score, value=0.75, comment="better")
    ch_logger.log_trace(id=trace, tags=["b"], output="done")
    row = one(recorder, "traces", "name, user_id, tags, input, output")
    assert (row["name"], row["user_id"], sorted(row["tags"])) == ("run", "u", ["a", "b"])
    assert (row["input"], row["output"]) == ('{"q":1}', "done")
    row = one(recorder, "scores", "name, value, comment, trace_id")
    assert row == {"name": "fitness", "value": 0.75, "comment": "better", "trace_id": trace}
    ch_logger.delete_trace(trace)
    ch_logger.delete_score(score)
    assert (recorder.rows("traces"), recorder.rows("scores")) == ([], [])
    ch_logger.log_trace("again", id=trace)
    assert one(recorder, "traces", "name, tags") == {"name": "again", "tags": []}


def test_the_rest_of_the_tables(recorder: Recorder) -> None:
    item = ch_logger.log_dataset_run_item("d", "r", "i", "t")
    ch_logger.log_dataset_run_item(id=item, error="late")
    event = ch_logger.log_event("trace", "t", "e", "bucket", "path")
    ch_logger.log_blob("trace", "t", "e", "bucket", "path")
    ch_logger.log_individual("r", "i", 0, "", "init", math.pi, 1.0, {"m": 2}, False, code="print(1)")
    assert one(recorder, "dataset_run_items_rmt", "dataset_id, error") == {"dataset_id": "d", "error": "late"}
    assert one_plain(recorder, "event_log", "id, bucket_path") == {"id": event, "bucket_path": "path"}
    assert len(recorder.rows("blob_storage_file_log")) == 1
    assert one(recorder, "programs_code", "code") == {"code": "print(1)"}


def one_plain(recorder: Recorder, table: str, columns: str) -> dict[str, Any]:
    """The only row of a table that takes no FINAL."""
    result = recorder.reader.query(f"SELECT {columns} FROM {recorder.database}.{table}")
    (row,) = result.result_rows
    return dict(zip(result.column_names, row, strict=True))
