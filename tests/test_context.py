"""What a context fills into the calls made inside of it, wherever they are made."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import genesis_ch
from conftest import Recorder, Script
from genesis_ch import _context, ch_logger

INSIDE: dict[str, Any] = {"run_id": "R", "generation": 3, "individual_id": "i"}


def log_everything() -> None:
    ch_logger.log_llm_interaction("m", [], "r", metadata={"own": 1})
    ch_logger.log_action("a", {})
    ch_logger.log_trace("t", tags=["own"])
    ch_logger.log_observation("o")
    ch_logger.log_score("s", 1)
    ch_logger.log_generation(num_individuals=1, best_score=1.0, avg_score=1.0, pareto_size=0)  # type: ignore[call-arg]


def test_every_table_that_has_the_columns_gets_them(recorder: Recorder) -> None:
    with genesis_ch.context(
        **INSIDE, trace_id="T", session_id="S", user_id="U", tags=["a"], metadata={"k": "v", "own": 0}, project_id="P", environment="E"
    ):
        log_everything()
    recorder.rows("traces")
    (llm,), (action,) = recorder.read("llm_logs"), recorder.read("agent_actions")
    assert {name: llm[name] for name in INSIDE} == INSIDE and llm["trace_id"] == "T"
    assert (action["run_id"], action["generation"], json.loads(action["metadata"])) == ("R", 3, {"k": "v", "own": 0})
    assert json.loads(llm["metadata"]) == {"k": "v", "own": 1}
    (trace,) = recorder.read("traces")
    assert (trace["session_id"], trace["user_id"], trace["tags"], trace["metadata"]) == ("S", "U", ["own"], {"k": "v", "own": "0"})
    assert (trace["project_id"], trace["environment"]) == ("P", "E") and {name: trace[name] for name in INSIDE} == INSIDE
    step, call = recorder.read("observations", order="type DESC")
    for row in (step, call):
        assert {name: row[name] for name in INSIDE} == INSIDE
        assert (row["trace_id"], row["project_id"], row["environment"]) == ("T", "P", "E")
    assert call["id"] == str(llm["id"]) and call["metadata"] == {"k": "v", "own": "1"}
    (score,) = recorder.read("scores")
    assert (score["trace_id"], score["session_id"], score["run_id"]) == ("T", "S", "R")
    assert [(row["run_id"], row["generation"]) for row in recorder.read("generations")] == [("R", 3)]
    assert recorder.count("arguments_ignored") == 0, "run_id and generation were not missing"


def test_the_call_counts_more_and_outside_there_is_nothing(recorder: Recorder) -> None:
    with genesis_ch.context(**INSIDE):
        ch_logger.log_action("own", {}, run_id="own", generation=0)
        ch_logger.log_action("none", {}, run_id=None, generation=None)
        ch_logger.log_action("empty", {}, run_id="")
    ch_logger.log_action("outside", {})
    found = {row["action_type"]: (row["run_id"], row["generation"]) for row in recorder.rows("agent_actions")}
    assert found == {"own": ("own", 0), "none": ("R", 3), "empty": ("", 3), "outside": ("", None)}


def test_a_change_from_elsewhere_does_not_move_a_row(recorder: Recorder) -> None:
    """Trace, step, run and individual of an observation stay, whether the calls are in one batch or not."""
    with genesis_ch.context(**INSIDE), genesis_ch.span("made in") as home:
        id, other = (ch_logger.log_observation(name, "tool") for name in ("a", "b"))
    with genesis_ch.context(run_id="elsewhere", individual_id="x", metadata={"seen": 1}), genesis_ch.span("changed in"):
        ch_logger.log_observation(id=id, output="o")
        recorder.rows("observations")
        ch_logger.log_observation(id=other, output="o")
        ch_logger.log_observation(id=other, individual_id="said")
    rows = recorder.rows("observations", where=f"id IN ('{id}', '{other}')", order="name")
    for row in rows:
        assert (row["trace_id"], row["parent_observation_id"], row["run_id"]) == (home.trace_id, home.id, "R")
        assert (row["output"], row["metadata"]) == ("o", {"seen": "1"})
    assert [row["individual_id"] for row in rows] == ["i", "said"]


def test_contexts_nest_and_come_back() -> None:
    with genesis_ch.context(run_id="a", tags="x", metadata={"k": 1, "l": 1}):
        with genesis_ch.context(generation=1, tags=["y", "x"], metadata={"k": 2}):
            assert _context.current() == {"run_id": "a", "generation": 1, "tags": ["x", "y"], "metadata": {"k": 2, "l": 1}}
        with pytest.raises(ZeroDivisionError), genesis_ch.context(run_id="b"):
            assert _context.current()["run_id"] == "b"
            raise ZeroDivisionError
        assert _context.current() == {"run_id": "a", "tags": ["x"], "metadata": {"k": 1, "l": 1}}
    assert _context.current() == {}


def test_one_object_in_many_threads_and_tasks() -> None:
    shared = genesis_ch.context(run_id="shared")
    seen: list[Any] = []

    def work() -> None:
        for _ in range(200):
            with shared:
                seen.append(_context.current().get("run_id"))
            seen.append(_context.current().get("run_id", "none"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen.count("shared") == seen.count("none") == 800

    async def task(number: int) -> tuple[Any, Any]:
        with genesis_ch.context(generation=number):
            await asyncio.sleep(0.01)
            return number, _context.current()["generation"]

    async def together() -> list[tuple[Any, Any]]:
        return await asyncio.gather(*map(task, range(10)))

    assert all(given == found for given, found in asyncio.run(together()))


def run_id_here(_: int = 0) -> Any:
    return _context.current().get("run_id")


def test_carry_takes_it_to_threads_and_processes() -> None:
    carried: Callable[[int], Any]
    with genesis_ch.context(run_id="carried"), ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(1) as processes:
        carried = genesis_ch.carry(run_id_here)
        for pool in (threads, processes):
            assert [*genesis_ch.carry(pool).map(run_id_here, range(3))] == ["carried"] * 3
            assert pool.submit(carried, 0).result() == "carried"
        assert threads.submit(run_id_here).result() is None, "only when asked"
    assert (carried(0), run_id_here()) == ("carried", None)


FORKED = """
import os
import genesis_ch
from genesis_ch import ch_logger
with genesis_ch.context(run_id="R", generation=1), genesis_ch.span("parent") as parent:
    for _ in range(2):
        if os.fork() == 0:
            with genesis_ch.span("child"):
                ch_logger.log_llm_interaction("m", [], "r")
            assert genesis_ch.current_span().id == parent.id
            os._exit(0)
    os.wait(), os.wait()
ch_logger.flush(30)
"""


def test_a_forked_child_goes_on_in_it(recorder: Recorder, script: Script) -> None:
    script.run(FORKED, CLICKHOUSE_URL=recorder.url)
    script.run("from genesis_ch import ch_logger\nch_logger.connect()\nassert ch_logger.flush(30)", CLICKHOUSE_URL=recorder.url)
    rows = {row["id"]: row for row in recorder.read("observations")}
    calls = [row for row in rows.values() if row["type"] == "GENERATION"]
    assert len(calls) == 2 and len(rows) == 5
    for call in calls:
        child = rows[call["parent_observation_id"]]
        assert (child["name"], rows[child["parent_observation_id"]]["name"]) == ("child", "parent")
    assert {(row["run_id"], row["generation"]) for row in rows.values()} == {("R", 1)}


def test_a_context_holds_nothing_that_breaks_a_call(recorder: Recorder) -> None:
    """A foreign value in the variable, metadata that is no mapping, and a dict that somebody changes."""
    token = genesis_ch._core.context.set(["not", "a", "dict"])  # type: ignore[arg-type]
    ch_logger.log_action("foreign", {})
    genesis_ch._core.context.reset(token)
    token = genesis_ch._core.context.set({"metadata": 5, "run_id": object(), "generation": "x"})
    ch_logger.log_action("odd", {}, metadata={"a": 1})
    ch_logger.log_trace("odd", metadata="text")  # type: ignore[arg-type]
    genesis_ch._core.context.reset(token)
    rows = {row["action_type"]: row for row in recorder.rows("agent_actions")}
    assert rows["foreign"]["run_id"] == "" and json.loads(rows["odd"]["metadata"]) == {"a": 1}
    assert rows["odd"]["run_id"].startswith("<object object")


def test_threads_that_share_a_context_keep_their_own(recorder: Recorder) -> None:
    """One leaves it while another is inside; each gets back what it had."""
    shared = genesis_ch.context(generation=7)
    entered, left = threading.Barrier(2), threading.Barrier(2)
    found: dict[str, list[dict[str, Any]]] = {}

    def work(run_id: str, first: bool) -> None:
        with genesis_ch.context(run_id=run_id):
            with shared:
                if not first:
                    entered.wait(30)
                inside = dict(_context.current())
                if first:
                    entered.wait(30)
                else:
                    left.wait(30)
            after = dict(_context.current())
            if first:
                left.wait(30)
        found[run_id] = [inside, after, dict(_context.current())]

    threads = [threading.Thread(target=work, args=(run_id, run_id == "A")) for run_id in "AB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {run_id: [{"run_id": run_id, "generation": 7}, {"run_id": run_id}, {}] for run_id in "AB"}


def test_a_generator_that_another_task_closes_leaves_its_values_alone() -> None:
    async def numbers() -> Any:
        with genesis_ch.context(generation=1):
            yield 1

    async def begin(steps: Any) -> None:
        with genesis_ch.context(run_id="outer of the generator"):
            await anext(steps)

    async def close() -> dict[str, Any]:
        steps = numbers()
        await asyncio.create_task(begin(steps))
        with genesis_ch.context(run_id="mine"):
            await steps.aclose()
            return _context.current()

    assert asyncio.run(close()) == {"run_id": "mine"}


def test_what_cannot_travel_stays_behind(recorder: Recorder) -> None:
    with genesis_ch.context(run_id="R", metadata={"lock": threading.Lock(), "k": "v"}), ProcessPoolExecutor(1) as pool:
        assert pool.submit(genesis_ch.carry(_context.current)).result(60) == {"run_id": "R", "metadata": {"k": "v"}}
