"""Every value that real callers pass, in every argument of every method, read back: docs/values.md is the rule."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import itertools
import json
import logging
import math
import random
import re
import struct
import sys
import threading
import tracemalloc
import types
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from conftest import Recorder
from genesis_ch import ch_logger
from genesis_ch._plain import ARRAY_MAX
from server_fixtures import ROOT
from value_cases import CASES, UNSAID, Case, LogsItself, failing

START = dt.datetime(2024, 5, 5, tzinfo=dt.UTC)
DOUBLES = 200_000
REFERENCE_CALLS = 200_000
NULL = object()
"""What stands for "not given": the column's default."""

# Each method: its table, and for each argument the column it fills and the form of that column.
METHODS: dict[str, tuple[str, dict[str, str]]] = {
    "log_llm_interaction": (
        "llm_logs",
        {
            **dict.fromkeys(["model", "response", "thought", "run_id", "individual_id", "trace_id", "provider", "error"], "text"),
            **dict.fromkeys(["cost", "execution_time"], "number"),
            **dict.fromkeys(["input_tokens", "output_tokens"], "null_u64"),
            "messages": "list",
            "metadata": "object",
            "generation": "null_i32",
            "timestamp": "time",
        },
    ),
    "log_action": (
        "agent_actions",
        {
            **dict.fromkeys(["action_type", "run_id"], "text"),
            **dict.fromkeys(["details", "metadata"], "object"),
            "generation": "null_i32",
            "timestamp": "time",
        },
    ),
    "log_evolution_run": (
        "evolution_runs",
        {
            **dict.fromkeys(["task_name", "cluster_type", "database_path", "project_id", "parent_run_id", "git_sha", "error"], "text"),
            "run_id": "text",
            "status": "status",
            "config": "object",
            "population_size": "i32",
            "git_dirty": "bool",
            "tags": "tags",
            "timestamp": "time",
        },
    ),
    "log_generation": (
        "generations",
        {
            **dict.fromkeys(["run_id", "task_name"], "text"),
            **dict.fromkeys(["generation", "num_individuals", "pareto_size"], "i32"),
            **dict.fromkeys(["best_score", "avg_score"], "score"),
            "total_cost": "number",
            "metadata": "object",
            "timestamp": "time",
        },
    ),
    "log_individual": (
        "individuals",
        {
            **dict.fromkeys(["run_id", "individual_id", "parent_id", "mutation_type", "code_hash"], "text"),
            **dict.fromkeys(["generation", "code_size"], "i32"),
            **dict.fromkeys(["fitness_score", "combined_score"], "score"),
            **dict.fromkeys(["api_cost", "embed_cost", "novelty_cost"], "number"),
            "metrics": "metrics",
            "is_pareto": "bool",
            "timestamp": "time",
        },
    ),
    "log_lineage": (
        "code_lineages",
        {
            **dict.fromkeys(["run_id", "child_id", "parent_id", "mutation_type", "edit_summary"], "text"),
            "generation": "i32",
            "fitness_delta": "number",
            "timestamp": "time",
        },
    ),
    "log_pareto_front": (
        "pareto_fronts",
        {
            **dict.fromkeys(["run_id", "individual_id"], "text"),
            "generation": "i32",
            **dict.fromkeys(["fitness_score", "combined_score"], "score"),
            "metrics": "object",
            "timestamp": "time",
        },
    ),
}
REQUIRED = {
    "log_llm_interaction": ["model", "messages", "response"],
    "log_action": ["action_type", "details"],
    "log_evolution_run": ["run_id", "task_name", "config", "population_size", "cluster_type", "database_path"],
    "log_generation": ["run_id", "generation", "num_individuals", "best_score", "avg_score", "pareto_size"],
    "log_individual": [
        "run_id", "individual_id", "generation", "parent_id", "mutation_type", "fitness_score", "combined_score", "metrics", "is_pareto",
    ],
    "log_lineage": ["run_id", "child_id", "parent_id", "generation", "mutation_type"],
    "log_pareto_front": ["run_id", "generation"],
}  # fmt: skip
KEYS = {
    "evolution_runs": ["run_id"],
    "generations": ["run_id", "generation"],
    "individuals": ["run_id", "generation", "individual_id"],
    "pareto_fronts": ["run_id", "generation", "individual_id"],
    "code_lineages": ["run_id", "generation", "child_id", "parent_id"],
}
MEMBERS = ("individual_id", "fitness_score", "combined_score", "metrics")
NONE = Case("None", lambda: None, text="", json=None, tags=[])
EACH = [NONE, *CASES]
UPDATE_TEXT_MAX = 16_384
LONG = {"3 MB of text", "messages"}
"""Cases with a text that is longer than UPDATE_TEXT_MAX bytes."""


def clamp(whole: int, low: int, high: int) -> int:
    return max(low, min(whole, high))


def numbers_of(value: Any, prefix: str = "") -> dict[str, float]:
    """The finite numbers in parsed JSON, by dotted key; those behind a list are not meant."""
    found: dict[str, float] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            if "\ufffd" not in key:
                found.update(numbers_of(inner, f"{prefix}.{key}" if prefix else key))
    elif prefix and isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            found[prefix] = float(value)
        except OverflowError:
            return {}
    return found


def cut(text: str) -> str:
    """What update_evolution_run keeps of a text."""
    return text.encode()[:UPDATE_TEXT_MAX].decode(errors="ignore")


def truth(value: Any) -> bool:
    try:
        return bool(value)
    except Exception:  # noqa: BLE001 - whatever the caller's object raises
        return False


def same(stored: Any, expected: Any) -> bool:
    """Equal, with NaN equal to NaN and -0.0 not to 0.0."""
    if isinstance(stored, float) and isinstance(expected, (int, float)):
        return struct.pack("<d", stored) == struct.pack("<d", expected) or (math.isnan(stored) and math.isnan(expected))
    return bool(stored == expected)


def stored_forms(case: Case, value: Any) -> dict[str, Any]:
    """What a column of each form holds of a value that was given."""
    parsed = case.json_of(value)
    return {
        "text": case.text_of(value),
        "status": case.text_of(value),
        "list": parsed,
        "object": parsed,
        "metrics": parsed,
        "number": float(case.number),
        "score": float(case.number),
        "i32": clamp(case.whole, -(2**31), 2**31 - 1),
        "null_i32": clamp(case.whole, -(2**31), 2**31 - 1),
        "null_u64": clamp(case.whole, 0, 2**64 - 1),
        "bool": truth(value),
        "tags": case.tags_of(value),
        "time": None if case.clock is None else round(case.clock * 1000),
    }


ABSENT: dict[str, Any] = {
    "text": "",
    "status": "running",
    "list": [],
    "object": {},
    "metrics": {},
    "number": 0.0,
    "score": math.nan,
    "i32": 0,
    "null_i32": None,
    "null_u64": None,
    "bool": False,
    "tags": [],
    "time": None,
}


class Call:
    """One log call: every argument is ordinary but one. The row is found again by its time, or by its key when the time is tested."""

    def __init__(self, number: int, method: str, argument: str, case: Case) -> None:
        self.number, self.method, self.argument, self.case = number, method, argument, case
        self.table, self.forms = METHODS[method]
        self.value = case.make()
        form = self.forms[argument]
        self.expected = ABSENT[form] if self.value is None else stored_forms(case, self.value)[form]

    def arguments(self) -> dict[str, Any]:
        ordinary = {"text": f"t{self.number}", "score": 1.5, "i32": self.number, "object": {}, "metrics": {}, "list": [], "bool": True}
        given: dict[str, Any] = {name: ordinary[self.forms[name]] for name in REQUIRED[self.method]}
        given["timestamp"] = START + dt.timedelta(milliseconds=self.number)
        if self.argument == "timestamp" and self.table in ("llm_logs", "agent_actions"):
            given["run_id"] = f"t{self.number}"
        if self.method == "log_pareto_front":
            member = {"individual_id": f"t{self.number}", "fitness_score": 1.5, "combined_score": 2.5, "metrics": {}}
            given["pareto_individuals"] = [member]
            if self.argument in MEMBERS:
                member[self.argument] = self.value
                return given
        given[self.argument] = self.value
        return given

    def key(self) -> Any:
        """Calls with the same key replace each other."""
        if self.argument in KEYS.get(self.table, ()) and self.table == "evolution_runs":
            return self.expected
        return self.number

    def __repr__(self) -> str:
        return f"{self.method}({self.argument}={self.case.name})"


def calls_of(methods: list[str]) -> list[Call]:
    every = [(method, argument, case) for method in methods for argument in METHODS[method][1] for case in EACH]
    return [Call(number, *what) for number, what in enumerate(every, 1)]


def column_of(call: Call) -> str:
    if call.argument == "timestamp":
        return "start_time" if call.table == "evolution_runs" else "timestamp"
    return call.argument


def milliseconds(column: str) -> str:
    return f"toUnixTimestamp64Milli({column}) AS {column}"


def check(call: Call, row: dict[str, Any], began: float, ended: float) -> str | None:
    """What is wrong with the stored row, or None."""
    stored = row[column_of(call)]
    form = call.forms[call.argument]
    if form in ("list", "object", "metrics"):
        stored = json.loads(stored)
    if call.expected is UNSAID or form == "time" and call.expected is None:
        good = form != "time" or began - 0.1 <= stored / 1000 <= ended + 0.1
    else:
        good = same(stored, call.expected)
    if form == "metrics" and good:
        stored, call.expected = row["metrics_num"], numbers_of(stored)
        good = stored.keys() == call.expected.keys() and all(same(stored[k], v) for k, v in call.expected.items())
    return None if good else f"{call}: stored {stored!r:.300}, expected {call.expected!r:.300}"


@pytest.fixture
def quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing may be printed and nothing may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", METHODS)
def test_every_value_in_every_argument(recorder: Recorder, method: str) -> None:
    calls = calls_of([method])
    began = dt.datetime.now().timestamp()
    for call in calls:
        getattr(ch_logger, method)(**call.arguments())
    ended = dt.datetime.now().timestamp()
    table = calls[0].table
    time_column = "start_time" if table == "evolution_runs" else "timestamp"
    columns = [name for name in METHODS[method][1] if name not in ("timestamp",)]
    extra = ["metrics_num"] if table == "individuals" else []
    rows = recorder.rows(table, [*columns, *extra, milliseconds(time_column)])
    by_time = {row[time_column] - int(START.timestamp() * 1000): row for row in rows}
    by_run = {row["run_id"]: row for row in rows}
    last = {call.key(): call for call in calls}
    nested = 0 if table != "agent_actions" else sum(type(call.value) is LogsItself for call in calls)
    assert len(rows) - len(last) in range(nested + 3)  # repr may be asked more than once
    wrong = []
    for call in last.values():
        row = by_run.get(f"t{call.number}") if call.argument == "timestamp" else by_time.get(call.number)
        wrong.append(f"{call}: no row" if row is None else check(call, row, began, ended))
    assert not any(wrong), "\n".join(filter(None, wrong))
    assert recorder.count("rows_dropped") == recorder.count("rows_rejected") == 0


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("argument", ["run_id", "status", "total_generations", "error", "timestamp"])
def test_every_value_in_update_evolution_run(recorder: Recorder, argument: str) -> None:
    expected: dict[str, tuple[Case, Any]] = {}
    for number, case in enumerate(EACH):
        value = case.make()
        run_id = value if argument == "run_id" else f"r{number}"
        ch_logger.log_evolution_run(cut(case.text_of(value)) if case.name in LONG and argument == "run_id" else run_id, "t", {}, 1, "local", "", error="before")
        given: dict[str, Any] = {"run_id": run_id, "status": "completed", "total_generations": 4, argument: value}
        ch_logger.update_evolution_run(**given)
        forms = stored_forms(case, value)
        forms["text"] = cut(forms["text"])
        key = ("" if value is None else forms["text"]) if argument == "run_id" else f"r{number}"
        whole = forms["i32"] if value is not None else -1
        results = {
            "run_id": key,
            "status": forms["text"] or "running" if value is not None else "running",
            "total_generations": max(whole, 0),
            "error": forms["text"] or "before" if value is not None else "before",
            "timestamp": forms["time"] if value is not None else None,
        }
        expected[key] = (case, results[argument])
    column = milliseconds("heartbeat_at") if argument == "timestamp" else argument
    rows = {row["run_id"]: row for row in recorder.rows("evolution_runs", sorted({"run_id", column, "status"}))}
    assert rows.keys() == expected.keys()
    for key, (case, result) in expected.items():
        stored = rows[key]["heartbeat_at" if argument == "timestamp" else argument]
        if argument == "timestamp" and result is None:
            result = pytest.approx(dt.datetime.now().timestamp() * 1000, abs=60_000)
        assert stored == result, (argument, case.name)
        assert argument == "status" or rows[key]["status"] == "completed", case.name


def test_positional_and_keyword_arguments_are_the_same(recorder: Recorder) -> None:
    ch_logger.log_individual("r", "a", 1, "p", "mutate", 1.5, 2.5, {"m": 1}, True, 0.1, 0.2, 0.3, "hash", 9)
    ch_logger.log_individual(
        code_size=9, code_hash="hash", novelty_cost=0.3, embed_cost=0.2, api_cost=0.1, is_pareto=True, metrics={"m": 1},
        combined_score=2.5, fitness_score=1.5, mutation_type="mutate", parent_id="p", generation=1, individual_id="b", run_id="r",
    )  # fmt: skip
    first, second = recorder.rows("individuals", order="individual_id")
    assert {**first, "individual_id": "b", "timestamp": second["timestamp"]} == second
    assert (second["api_cost"], second["metrics_num"], second["code_hash"], second["code_size"]) == (0.1, {"m": 1.0}, "hash", 9)


# ---- calls that are not as they should be ----


@pytest.mark.usefixtures("quiet")
def test_wrong_calls_are_stored_counted_and_told_once(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    log: Any = ch_logger.log_lineage
    with caplog.at_level(logging.DEBUG, "genesis_ch"):
        log("r", "missing")
        log("r", "unknown", "p", 1, "m", colour="red")
        log("r", "twice", "p", 1, "m", child_id="later")
        log("r", "many", "p", 1, "m", 0.5, "s", "by position")
        log("r", "odd", "p", 1, "m", **{"\ud800": 1, "": 2})
        log()
    rows = {row["child_id"]: row for row in recorder.rows("code_lineages")}
    assert rows.keys() == {"missing", "unknown", "later", "many", "odd", ""}
    assert rows["many"]["edit_summary"] == "s"
    messages = [record.getMessage() for record in caplog.records if record.name == "genesis_ch"]
    assert len(messages) == 1
    assert "log_lineage(): argument missing: parent_id" in messages[0]
    assert recorder.count("arguments_ignored") == 6


@pytest.mark.usefixtures("quiet")
def test_an_unknown_argument_is_named_with_the_nearest(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "genesis_ch"):
        ch_logger.log_individual("r", "i", 0, "", "m", 1, 1, {}, False, fittness_score=3)  # type: ignore[call-arg]
    assert "log_individual(): unknown argument: fittness_score, did you mean fitness_score; the row" in caplog.text
    assert len(recorder.rows("individuals")) == 1


ENDINGS: list[tuple[str, dict[str, Any]]] = [
    ("log_action", {"details": {"a": [...]}}),
    ("log_action", {"action_type": ...}),
    ("log_action", {"details": {...: 1}}),
    ("log_action", {"timestamp": ...}),
    ("log_individual", {"fitness_score": ...}),
    ("log_individual", {"generation": ...}),
    ("log_individual", {"is_pareto": ...}),
    ("log_individual", {"metrics": ...}),
    ("log_llm_interaction", {"input_tokens": ...}),
    ("log_llm_interaction", {"usage": ...}),
    ("log_evolution_run", {"tags": ...}),
    ("log_evolution_run", {"tags": [...]}),
    ("log_pareto_front", {"pareto_individuals": ...}),
    ("log_pareto_front", {"pareto_individuals": [...]}),
    ("update_evolution_run", {"status": ...}),
]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_program_is_not_swallowed(recorder: Recorder, error: Any) -> None:
    def fill(value: Any, bad: Any) -> Any:
        if isinstance(value, dict):
            return {fill(key, bad): fill(inner, bad) for key, inner in value.items()}
        return [fill(inner, bad) for inner in value] if isinstance(value, list) else bad if value is ... else value

    methods = ("__repr__", "__str__", "__bool__", "__float__", "__index__", "__iter__", "__getitem__", "__getattr__")
    for method, given_values in ENDINGS:
        converted = ["model_dump"] if given_values.keys() & {"timestamp", "usage"} else []
        bad = failing("Bad", *methods, *converted, error=error)
        with pytest.raises(error):
            getattr(ch_logger, method)(**fill(given_values, bad))
            print(method, given_values)  # shown when it does not raise
    ch_logger.log_action("after", {})
    assert [row["action_type"] for row in recorder.rows("agent_actions")] == ["after"]
    assert recorder.count("rows_logged") == 1


def test_control_c_in_a_generator_is_not_swallowed(recorder: Recorder) -> None:
    def members() -> Iterator[dict[str, str]]:
        yield {"individual_id": "a"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ch_logger.log_pareto_front("r", 1, members())
    with pytest.raises(KeyboardInterrupt):
        ch_logger.log_evolution_run("r", "t", {}, 1, "", "", tags=(str(member) for member in members()))
    assert recorder.count("rows_logged") == 0


# ---- collections ----


class Member:
    """An individual with attributes."""

    def __init__(self, name: str) -> None:
        self.individual_id, self.fitness_score, self.combined_score, self.metrics = name, 1, np.float32(0.5), {"k": 1}


@pytest.mark.usefixtures("quiet")
def test_shapes_of_a_pareto_front(recorder: Recorder) -> None:
    full = {"individual_id": "d", "fitness_score": 1.5, "combined_score": None, "metrics": {"k": math.nan}, "other": 1}

    def failing_members() -> Iterator[Any]:
        yield {"individual_id": "before"}
        raise RuntimeError("from the caller's generator")

    fronts: list[tuple[Any, list[str]]] = [
        ([], []),
        (None, []),
        ([full, full], ["d"]),
        ((Member("m"),), ["m"]),
        ({"individual_id": "alone"}, ["alone"]),
        ([{}], [""]),
        ([None, 5], [""]),
        ("name", ["name"]),
        (["x", b"y"], ["x", "y"]),
        (({"individual_id": name} for name in "gh"), ["g", "h"]),
        (failing_members(), ["before"]),
        (itertools.repeat({"individual_id": "endless"}), ["endless"]),
        (np.array([{"individual_id": "n"}], dtype=object), ["n"]),
        (failing("Bad", "__iter__", "__repr__"), [""]),
    ]
    for generation, (front, _) in enumerate(fronts):
        ch_logger.log_pareto_front("r", generation, front)
    rows = recorder.rows("pareto_fronts", order="generation, individual_id")
    for generation, (_, names) in enumerate(fronts):
        assert [row["individual_id"] for row in rows if row["generation"] == generation] == names, generation
    stored = {row["individual_id"]: row for row in rows}
    assert (stored["m"]["fitness_score"], stored["m"]["combined_score"], stored["m"]["metrics"]) == (1.0, 0.5, '{"k":1}')
    assert (stored["d"]["fitness_score"], stored["d"]["metrics"]) == (1.5, '{"k":null}')
    assert math.isnan(stored["d"]["combined_score"])
    assert math.isnan(stored[""]["fitness_score"])


@pytest.mark.usefixtures("quiet")
def test_usage(recorder: Recorder) -> None:
    cyclic: dict[str, Any] = {"n": 1}
    cyclic.update(a=cyclic, b=cyclic)
    given: list[tuple[Any, dict[str, int]]] = [
        (None, {}),
        ({}, {}),
        ({"input": 5, "output": np.int64(6), "real": 7.9, "yes": True, "text": "8", "none": None}, {"input": 5, "output": 6, "real": 7}),
        ({"details": {"cached": 2, "a.b": 1}, "x\0y": 3}, {"details.cached": 2, "details.a.b": 1, "x\0y": 3}),
        ({"neg": -1, "big": 2**70, "top": 2**64 - 1}, {"neg": 0, "big": 2**64 - 1, "top": 2**64 - 1}),
        ("text", {}),
        (5, {}),
        ([1], {}),
        ({1: 2, "\ud800": 3}, {}),
        (failing("Bad", "__getattr__", "__repr__"), {}),
        (types.SimpleNamespace(prompt=10, details=types.SimpleNamespace(reasoning=3)), {"prompt": 10, "details.reasoning": 3}),
        ({"details": types.SimpleNamespace(cached=2), "list": [1]}, {"details.cached": 2}),
    ]
    for number, (usage, _) in enumerate(given):
        ch_logger.log_llm_interaction("m", [], "", usage=usage, generation=number)
    ch_logger.log_llm_interaction("cyclic", [], "", usage=cyclic, generation=99)
    rows = {row["generation"]: row["usage"] for row in recorder.rows("llm_logs", ["generation", "usage"])}
    assert rows.pop(99)["a.b.n"] == 1
    assert rows == {number: stored for number, (_, stored) in enumerate(given)}


def test_metrics_num_is_bounded_and_a_row_stays_whole(recorder: Recorder) -> None:
    wide = {"p" * 1000: {f"{n}": 1 for n in range(150_000)}}
    ch_logger.log_individual("r", "wide", 1, "", "", 0, 0, wide, False)
    ch_logger.log_individual("r", "deep", 1, "", "", 0, 0, {"k" * 1025: 1, "ok": 2}, False)
    rows = {row["individual_id"]: row for row in recorder.rows("individuals")}
    assert rows["wide"]["metrics_num"] == {}
    assert json.loads(rows["wide"]["metrics"]) == wide
    assert rows["deep"]["metrics_num"] == {"ok": 2.0}
    assert recorder.count("values_cut") == 1


def test_a_dict_that_another_thread_changes(recorder: Recorder) -> None:
    shared: dict[Any, Any] = {f"k{n}": np.float32(n) for n in range(200)}
    ended = threading.Event()

    def change() -> None:
        for n in itertools.cycle(range(1000)):
            shared[f"new{n}"] = np.float32(n)
            shared.pop(f"new{(n + 500) % 1000}", None)
            shared[f"k{n % 200}"] = [n]
            if ended.is_set():
                return

    thread = threading.Thread(target=change)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        for _ in range(300):
            ch_logger.log_action("shared", {"d": shared, "l": [shared]}, shared)
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(before)
    rows = recorder.rows("agent_actions")
    assert len(rows) == 300
    for row in rows:
        assert len(json.loads(row["details"])["d"]) > 100


def test_a_list_that_grows_while_it_is_written(recorder: Recorder) -> None:
    grown: list[Any] = []
    table: dict[Any, Any] = {}

    class Grows:
        def __repr__(self) -> str:
            grown.append(Grows())
            table[len(table)] = Grows()
            return "g"

    grown.append(Grows())
    table[0] = Grows()
    ch_logger.log_action("grows", {"l": grown, "t": table})
    (row,) = recorder.rows("agent_actions")
    assert len(json.loads(row["details"])["l"]) == 1


@pytest.mark.usefixtures("quiet")
def test_a_row_that_is_too_large(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    huge = "x" * 200_000_000
    with caplog.at_level(logging.DEBUG, "genesis_ch"):
        ch_logger.log_action("unrelated", {}, colour="red")  # type: ignore[call-arg]
        ch_logger.log_llm_interaction("m", [{"role": "user", "content": huge}], "r")
        ch_logger.log_llm_interaction("m", [], huge)
        ch_logger.update_evolution_run(huge, "completed", 1)
        ch_logger.update_evolution_run("r" * 70_000_000, "s" * 70_000_000, 1)
        ch_logger.log_llm_interaction("small", [], "r")
    result = ch_logger.flush(30)
    assert (result.delivered, result.dropped, result.pending) == (3, 6, 0)
    assert [row["model"] for row in recorder.read("llm_logs", ["model"])] == ["small"]
    messages = [record.getMessage() for record in caplog.records if "128 MiB" in record.getMessage()]
    assert len(messages) == 1
    assert messages[0].startswith("log_llm_interaction(): a row larger than 128 MiB")


# ---- every double, every text, any JSON ----


def doubles() -> list[float]:
    chosen = random.Random(20240506)
    edges = [0.0, -0.0, math.nan, -math.nan, math.inf, -math.inf, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308]
    edges += [1e-320, 1e308, sys.float_info.max, -sys.float_info.max, 0.1, 1 / 3, 2.0**53, 1e22, 1e23]
    edges += [struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0000 | n))[0] for n in (1, 0xBEEF)]
    wide = [chosen.choice((-1, 1)) * 10 ** chosen.uniform(-320, 308) for _ in range(DOUBLES // 2)]
    bits = [struct.unpack("<d", struct.pack("<Q", chosen.getrandbits(64)))[0] for _ in range(DOUBLES // 2 - len(edges))]
    return edges + wide + bits


def bits_of(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def test_doubles_are_stored_bit_for_bit(recorder: Recorder) -> None:
    values = doubles()
    assert len(values) == DOUBLES
    for start in range(0, DOUBLES, 4):
        a, b, c, d = values[start : start + 4]
        if start % 8:
            ch_logger.log_generation("r", start, 1, a, b, 1, c)
        ch_logger.log_individual("r", "i", start, "p", "m", a, b, {"a": a, "x": {"b": b, "c": c, "d": d}}, True, c, d)
    individuals = recorder.rows(
        "individuals", ["fitness_score", "combined_score", "api_cost", "embed_cost", "metrics", "metrics_num"], "generation"
    )
    stored = [row[name] for row in individuals for name in ("fitness_score", "combined_score", "api_cost", "embed_cost")]
    assert bits_of(stored) == bits_of(values)
    for row, start in zip(individuals, range(0, DOUBLES, 4), strict=True):
        names = dict(zip(("a", "x.b", "x.c", "x.d"), values[start : start + 4], strict=True))
        finite = {name: value for name, value in names.items() if math.isfinite(value)}
        assert {k: struct.pack("<d", v) for k, v in row["metrics_num"].items()} == {k: struct.pack("<d", v) for k, v in finite.items()}
        parsed = numbers_of(json.loads(row["metrics"]))
        assert bits_of([parsed[name] for name in sorted(parsed)]) == bits_of([finite[name] for name in sorted(finite)])
    generations = recorder.rows("generations", ["best_score", "avg_score", "total_cost"], "generation")
    expected = [value for start in range(4, DOUBLES, 8) for value in values[start : start + 3]]
    assert bits_of([value for row in generations for value in row.values()]) == bits_of(expected)


def test_every_code_point(recorder: Recorder) -> None:
    width = 4096
    for start in range(0, sys.maxunicode + 1, width):
        text = "".join(map(chr, range(start, start + width)))
        log: Any = ch_logger.log_action
        log(text, {text: text}, text, generation=start)
        log(f"{text[-1]}ascii behind", [character + "b" for character in text[::64]], generation=-1 - start)
    rows = {row["generation"]: row for row in recorder.rows("agent_actions", ["generation", "action_type", "details", "metadata"])}
    assert len(rows) == 2 * (sys.maxunicode + 1) // width
    for start in range(0, sys.maxunicode + 1, width):
        text = "".join("\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code) for code in range(start, start + width))
        row = rows[start]
        assert (row["action_type"], json.loads(row["details"]), json.loads(row["metadata"])) == (text, {text: text}, text)
        row = rows[-1 - start]
        assert (row["action_type"], json.loads(row["details"])) == (f"{text[-1]}ascii behind", [c + "b" for c in text[::64]])


def cleaned(text: str) -> str:
    return "".join("\ufffd" if 0xD800 <= ord(character) <= 0xDFFF else character for character in text)


def normalised(value: Any) -> Any:
    """What JSON can hold of it."""
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [normalised(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(key): normalised(item) for key, item in value.items()}
    return value


ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(ANY_TEXT, inner, max_size=5),
    max_leaves=25,
)


def collected(strategy: st.SearchStrategy[Any], count: int, use: Callable[[Any], None]) -> None:
    """Run `use` on examples; all of them are read back at once, which a test of one example a time could not afford."""

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(value: Any) -> None:
        use(value)

    run()


def test_any_json(recorder: Recorder) -> None:
    given_values: list[Any] = []

    def use(value: Any) -> None:
        ch_logger.log_individual("r", "i", len(given_values), "", "", 0, 0, {"v": value}, False)
        given_values.append(value)

    collected(ANY_JSON, 1500, use)
    assert len(given_values) >= 1000
    rows = recorder.rows("individuals", ["metrics", "metrics_num"], "generation")
    for value, row in zip(given_values, rows, strict=True):
        parsed = json.loads(row["metrics"])
        assert repr(parsed) == repr(normalised({"v": value}))  # repr tells -0.0 from 0.0 and 1 from 1.0
        assert {k for k in row["metrics_num"] if "\ufffd" not in k} <= numbers_of(parsed).keys()


def test_any_text(recorder: Recorder) -> None:
    texts: list[str] = []

    def use(text: str) -> None:
        ch_logger.log_lineage("r", "c", "p", len(texts), "m", 0, text)
        texts.append(text)

    collected(ANY_TEXT, 1000, use)
    rows = recorder.rows("code_lineages", ["edit_summary"], "generation")
    assert [row["edit_summary"] for row in rows] == [cleaned(text) for text in texts]


# ---- references and memory ----


def call_every_way(values: dict[str, Any], index: int) -> None:
    log: Any = ch_logger
    log.log_individual("r", values["text"], 1, None, "m", values["real"], values["scalar"], values["nested"], True)
    match index % 8:
        case 0:
            log.log_individual("r", values["text"])
        case 1:
            log.log_action(values["text"], values["nested"], unknown=values["real"])
        case 2:
            log.log_action("a", values["nested"], action_type=values["text"])
        case 3:
            log.log_pareto_front("r", 1, [values["nested"], values["hostile"], values["text"]])
        case 4:
            log.log_llm_interaction(values["hostile"], values["hostile"], values["hostile"], usage=values["nested"])
        case 5:
            log.log_generation(values["hostile"], values["hostile"], values["big"], values["hostile"], values["scalar"], values["real"])
        case 6:
            log.log_evolution_run("r", "t", values["nested"], 1, "", values["path"], tags=[values["text"], values["hostile"]])
        case _:
            log.log_action("a", values["nested"], values["text"], values["real"], timestamp=values["hostile"])


def test_references_and_memory_do_not_grow(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "genesis_ch")
    values: dict[str, Any] = {
        "text": "individual" + "_x" * 5,
        "real": 1234.5678,
        "big": 10**400,
        "scalar": np.float32(1.5),
        "path": ["a", ("b",)],
        "nested": {"k": [1, 2.5, "t", {"deep": object()}], "individual_id": "x" * 20, "fitness_score": 2.25},
        "hostile": failing("Bad", "__repr__", "__float__", "__index__", "__bool__"),
    }
    for index in range(2000):
        call_every_way(values, index)
    before = {name: sys.getrefcount(value) for name, value in values.items()}
    inner = sys.getrefcount(values["nested"]["k"])
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    traced = 20_000  # tracemalloc makes every allocation slow
    for index in range(traced):
        call_every_way(values, index)
    grown = tracemalloc.get_traced_memory()[0] - base
    tracemalloc.stop()
    for index in range(REFERENCE_CALLS - traced):
        call_every_way(values, index)
    after = {name: sys.getrefcount(value) for name, value in values.items()}
    inner -= sys.getrefcount(values["nested"]["k"])
    assert after == before
    assert inner == 0
    assert grown < 64 * 1024
    ch_logger.flush(60)


# ---- the document ----

NAMES: dict[str, Any] = {
    "math": math, "np": np, "Decimal": decimal.Decimal, "Fraction": fractions.Fraction, "OmegaConf": OmegaConf, "Path": Path,
    "SimpleNamespace": types.SimpleNamespace, "datetime": dt.datetime, "timedelta": dt.timedelta, "UTC": dt.UTC, "UUID": uuid.UUID,
}  # fmt: skip


def examples() -> list[list[str]]:
    """The rows of the first table of docs/values.md: expression, text, JSON, float, integer."""
    lines = (ROOT / "docs" / "values.md").read_text().split("## Examples")[1].split("## Rules")[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


def test_the_examples_of_the_document(recorder: Recorder) -> None:
    rows = examples()
    assert len(rows) > 25
    for number, (expression, *_) in enumerate(rows):
        value = eval(expression, dict(NAMES))
        ch_logger.log_lineage("r", f"c{number}", "p", value, "m", value, value, timestamp=START + dt.timedelta(seconds=number))
        ch_logger.log_action("a", value, generation=number)
    lineages = recorder.rows("code_lineages", order="timestamp")
    details = [row["details"] for row in recorder.rows("agent_actions", order="generation")]
    for (expression, text, parsed, real, whole), detail, row in zip(rows, details, lineages, strict=True):
        if "hex(" in text:
            text, parsed = hex(10**5000), json.dumps(hex(10**5000))
        assert row["edit_summary"].strip() == text.strip(), expression
        assert detail.replace(" ", "") == parsed.replace(" ", ""), expression
        assert same(row["fitness_delta"], float(real or "nan")), expression
        assert row["generation"] == int(whole or 0), expression


def test_the_limits_of_the_document() -> None:
    text = (ROOT / "docs" / "values.md").read_text()
    limits = [
        ("py_json.h", "GCH_JSON_DEPTH", 100, "more than 100 deep"),
        ("py_plain.h", "GCH_REPR_MAX", 8192, "cut at 8192 characters"),
        ("py_json.h", "GCH_NUMBER_PATH_MAX", 1024, "at most 1024 bytes"),
        ("py_value.h", "GCH_ITEMS_MAX", 100_000, "asked for 100,000 at most"),
        ("update.h", "GCH_UPDATE_TEXT_MAX", 16 << 10, "cut at 16 KiB"),
        ("segment.h", "GCH_PAYLOAD_MAX", "(128U << 20)", "larger than 128 MiB"),
    ]
    for header, name, value, words in limits:
        defined = re.search(rf"^#define {name} +(.+?)(?: +/\*.*)?$", (ROOT / "csrc" / header).read_text(), re.MULTILINE)
        assert defined is not None and defined[1] == str(value), name
        assert words in text, words
    assert ARRAY_MAX == 1_000_000
