"""What one call also writes: the observation of an LLM call, the scores and the program of an individual."""

from __future__ import annotations

import hashlib
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

import genesis_ch
from conftest import Recorder
from genesis_ch import ch_logger

NOON = 1_790_000_000.0


@pytest.fixture
def with_scores(recorder: Recorder) -> Any:
    ch_logger.configure(scores=1)
    yield recorder
    ch_logger.configure(scores=None)


def test_an_llm_call_is_one_call_in_both_models(recorder: Recorder) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 30}}
    ch_logger.log_llm_interaction(
        "gpt", [{"role": "user", "content": "q"}], "a", 0.25, 2.5, {"task": "t"}, run_id="R", generation=2, individual_id="i", usage=usage
    )
    ch_logger.log_llm_interaction("gpt", [], "", error="timed out", execution_time=1.5, timestamp=NOON, trace_id="T", cost=None)
    recorder.rows("observations")
    joined = recorder.reader.query(
        f"SELECT l.model, o.provided_model_name, l.cost, o.total_cost, l.run_id, o.run_id FROM {recorder.database}.llm_logs AS l "
        f"INNER JOIN {recorder.database}.observations AS o ON toString(l.id) = o.id ORDER BY l.cost DESC SETTINGS final = 1"
    ).result_rows
    assert joined == [("gpt", "gpt", 0.25, Decimal("0.25"), "R", "R"), ("gpt", "gpt", 0.0, None, "", "")]
    good, failed = recorder.read("observations", order="status_message NULLS FIRST")
    assert (good["type"], good["trace_id"], json.loads(good["input"]), good["output"]) == ("GENERATION", "R", [{"role": "user", "content": "q"}], "a")
    assert good["usage_details"] == {"input": 70, "input_cache_read": 30, "output": 50, "total": 150}
    assert good["provided_usage_details"]["prompt_tokens_details.cached_tokens"] == 30
    assert good["cost_details"] == good["provided_cost_details"] == {"total": Decimal("0.25")}
    assert (good["metadata"], good["generation"], good["individual_id"], good["level"]) == ({"task": "t"}, 2, "i", "DEFAULT")
    assert (good["end_time"] - good["start_time"]).total_seconds() == 2.5
    assert (failed["level"], failed["status_message"], failed["trace_id"]) == ("ERROR", "timed out", "T")
    times = recorder.read("observations", ["toFloat64(start_time) AS start", "toFloat64(end_time) AS end"], where="trace_id = 'T'")
    assert times == [{"start": NOON, "end": NOON + 1.5}]
    assert {row["input_tokens"] for row in recorder.read("llm_logs")} == {100, None}


def test_a_call_outside_of_any_trace_has_one_of_its_own(recorder: Recorder) -> None:
    ch_logger.log_llm_interaction("m", [], "r")
    (row,) = recorder.rows("observations")
    assert row["trace_id"] == row["id"] and uuid.UUID(row["id"]).version == 7
    assert recorder.read("traces") == [] and recorder.read("llm_logs")[0]["trace_id"] == ""


def test_each_setting_turns_its_rows_off(recorder: Recorder) -> None:
    ch_logger.configure(observations=0)
    ch_logger.log_llm_interaction("m", [], "r")
    ch_logger.log_individual("r", "i", 0, "", "init", 1.0, 1.0, {"a": 1}, False)
    assert len(recorder.rows("llm_logs")) == len(recorder.read("individuals")) == 1
    ch_logger.configure(observations=None)
    assert recorder.read("observations") == recorder.read("scores") == []


def test_metrics_as_scores_with_the_same_ids(with_scores: Recorder) -> None:
    metrics = {"accuracy": 0.5, "nested": {"size": 10}, "word": "x", "bad": float("nan")}
    for fitness in (1.0, 2.0):
        with genesis_ch.context(trace_id="T"):
            ch_logger.log_individual("R", "i", 3, "p", "mutate", fitness, None, metrics, True)
    ch_logger.log_individual("R", "bare")  # type: ignore[call-arg]
    ch_logger.log_individual("R", "plain", 0, "", "init", float("nan"), 0.25, {}, False)
    rows = with_scores.rows("scores", order="individual_id, name")
    found = [(row["individual_id"], row["name"], row["value"]) for row in rows]
    assert found == [
        ("i", "accuracy", 0.5),
        ("i", "fitness_score", 2.0),
        ("i", "nested.size", 10.0),
        ("plain", "combined_score", 0.25),
    ]
    assert {(row["source"], row["data_type"], row["run_id"]) for row in rows} == {("EVAL", "NUMERIC", "R")}
    assert [row["trace_id"] for row in rows] == ["T", "T", "T", "R"] and rows[0]["id"] == "R/3/i/accuracy"


def test_a_program_is_stored_once_for_each_hash(recorder: Recorder) -> None:
    programs = ["print('é')", "print('é')", b"raw \xff", "", "lone \ud800"]
    for number, code in enumerate(programs):
        ch_logger.log_individual("r", f"i{number}", 0, "", "init", 1.0, 1.0, {}, False, code=code)
    ch_logger.log_individual("r", "own", 0, "", "init", 1.0, 1.0, {}, False, 0, 0, 0, "myhash", 7, code="text")
    logged = recorder.count("rows_logged")
    individuals = {row["individual_id"]: (row["code_hash"], row["code_size"]) for row in recorder.rows("individuals")}
    stored = {row["code_hash"]: row["code"] for row in recorder.read("programs_code")}
    first = hashlib.sha256("print('é')".encode()).hexdigest()
    assert individuals["i0"] == individuals["i1"] == (first, 11) and stored[first] == "print('é')"
    assert individuals["i2"] == (hashlib.sha256(b"raw \xff").hexdigest(), 5)
    assert individuals["i3"] == (hashlib.sha256(b"").hexdigest(), 0)
    assert individuals["own"] == ("myhash", 7) and stored["myhash"] == "text"
    assert {hash for hash, _ in individuals.values()} == stored.keys()
    assert logged == len(programs) + 1 + len(stored)


def test_another_destination_gets_the_programs_anew(recorder: Recorder) -> None:
    """What was stored in one database is not there in the next."""
    ch_logger.log_individual("r", "i", 0, "", "init", 1.0, 1.0, {}, False, code="same")
    recorder.rows("individuals")
    recorder.reader.command(f"TRUNCATE TABLE {recorder.database}.programs_code")
    ch_logger.close()
    ch_logger.log_individual("r", "j", 0, "", "init", 1.0, 1.0, {}, False, code="same")
    assert [row["code"] for row in recorder.rows("programs_code")] == ["same"]


class Interrupting(dict[str, Any]):
    """Ctrl-C arrives when it is first read as a mapping."""

    seen = False

    def __iter__(self) -> Any:
        return super().__iter__()

    def keys(self) -> Any:
        self.seen, seen = True, self.seen
        if not seen:
            raise KeyboardInterrupt
        return super().keys()


class Wordless:
    """Ctrl-C arrives in str(), not in repr()."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    def __repr__(self) -> str:
        return "wordless"


def test_ctrl_c_in_what_a_call_also_does_reaches_the_caller(with_scores: Recorder) -> None:
    with genesis_ch.context(metadata={"k": "v"}), pytest.raises(KeyboardInterrupt):
        ch_logger.log_trace("t", metadata=Interrupting(a=1))
    odd: Any = Wordless()
    with pytest.raises(KeyboardInterrupt):
        ch_logger.log_individual("r", odd, 0, None, "m", 1.0, 1.0, {"a": 1.0}, False)
    ch_logger.log_individual(run_id="r", individual_id="without a generation", metrics={"a": 1.0})  # type: ignore[call-arg]
    ids = {row["id"] for row in with_scores.rows("scores")}
    assert "r/None/without a generation/a" in ids, ids
