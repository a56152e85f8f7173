"""Spans and @observe: what is stored of functions, coroutines, generators and async generators, and that they stay what they are."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import genesis_ch
from conftest import Recorder, Script
from genesis_ch import _context, ch_logger, current_span, observe, span


def stored(recorder: Recorder) -> dict[str, dict[str, Any]]:
    """The observations by name."""
    return {row["name"]: row for row in recorder.rows("observations")}


def parents(rows: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    names = {row["id"]: name for name, row in rows.items()}
    return {name: names.get(row["parent_observation_id"]) for name, row in rows.items()}


def test_a_span_is_there_while_it_runs_and_complete_at_its_end(recorder: Recorder) -> None:
    with span("root", "agent", input={"q": 1}, metadata={"a": 1}, version="7") as root:
        begun = stored(recorder)["root"]
        assert (begun["id"], begun["end_time"], json.loads(begun["input"])) == (root.id, None, {"q": 1})
        with span("step", "tool") as step:
            assert current_span() is step and step.trace_id == root.trace_id
            ch_logger.log_llm_interaction("m", [], "r", usage={"prompt_tokens": 3})
            score = step.score("good", True)
        assert current_span() is root
        root.update(metadata={"b": 2}, output="half").update(output="done", level="WARNING", metadata={"c": 3})
    assert current_span() is None
    rows = stored(recorder)
    assert parents(rows) == {"root": None, "step": "root", "llm": "step"}
    assert {row["trace_id"] for row in rows.values()} == {root.trace_id}
    ended = rows["root"]
    assert (ended["type"], ended["output"], ended["level"], ended["version"]) == ("AGENT", "done", "WARNING", "7")
    assert ended["metadata"] == {"a": "1", "b": "2", "c": "3"} and json.loads(ended["input"]) == {"q": 1}
    assert ended["start_time"] == begun["start_time"] <= ended["end_time"]
    (trace,) = recorder.read("traces")
    assert (trace["id"], trace["name"], json.loads(trace["input"]), trace["output"]) == (root.trace_id, "root", {"q": 1}, "done")
    (found,) = recorder.read("scores")
    assert (found["id"], found["observation_id"], found["trace_id"]) == (score, step.id, root.trace_id)


def test_an_error_is_recorded_and_goes_on(recorder: Recorder) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    for error in (ValueError("no\n" + "x" * 5000), KeyboardInterrupt(), Silent()):
        with pytest.raises(type(error)), span(type(error).__name__):
            raise error
    rows = stored(recorder)
    assert rows["ValueError"]["level"] == "ERROR" and rows["ValueError"]["status_message"].startswith("ValueError: no\n")
    assert len(rows["ValueError"]["status_message"]) == 1000
    assert (rows["KeyboardInterrupt"]["level"], rows["Silent"]["status_message"]) == ("WARNING", "Silent")
    assert all(row["end_time"] for row in rows.values())


class Work:
    @observe
    def method(self, a: int, *rest: int, b: int = 2, **more: int) -> int:
        """Adds."""
        return a + b + sum(rest) + sum(more.values())

    @observe(name="renamed", as_type="tool", capture_input=False)
    @classmethod
    def made(cls, secret: str) -> str:
        return secret

    @staticmethod
    @observe(capture_output=False)
    def static(secret: str) -> str:
        return secret


@observe
async def coroutine(n: int) -> int:
    await asyncio.sleep(0.001)
    with span(f"in coroutine {n}"):
        return n * 2


@observe
def generator(n: int) -> Iterator[int]:
    sent = 0
    for i in range(n):
        assert current_span().name == "generator"  # type: ignore[union-attr]
        with span(f"item {i}"):
            sent = yield i + (sent or 0)
    return "returned"


@observe
async def async_generator(n: int) -> AsyncIterator[int]:
    for i in range(n):
        assert current_span().name == "async_generator"  # type: ignore[union-attr]
        yield i


@pytest.mark.usefixtures("recorder")
def test_functions_stay_what_they_are() -> None:
    work = Work()
    assert work.method(1, 2, b=3, c=4) == 10 and Work.method.__doc__ == "Adds."
    assert [*inspect.signature(Work.method).parameters] == ["self", "a", "rest", "b", "more"]
    assert Work.made("x") == Work.static("x") == "x"
    assert inspect.iscoroutinefunction(coroutine) and inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        work.method()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        generator()  # type: ignore[call-arg]
        list(generator())  # type: ignore[call-arg]


def test_what_is_stored_of_each_kind(recorder: Recorder) -> None:
    async def outside() -> list[int]:
        doubled = await asyncio.gather(coroutine(1), coroutine(2))
        collected = []
        async for item in async_generator(3):
            assert current_span().name == "root"  # type: ignore[union-attr]
            collected.append(item)
        return doubled + collected

    with span("root"):
        Work().method(1, b=5)
        Work.made("secret")
        Work.static("secret")
        assert asyncio.run(outside()) == [2, 4, 0, 1, 2]
        running = generator(3)
        assert (next(running), current_span().name) == (0, "root")  # type: ignore[union-attr]
        assert running.send(10) == 11
        assert [*running] == [2]
    rows = stored(recorder)
    assert json.loads(rows["method"]["input"]) == {"a": 1, "b": 5} and rows["method"]["output"] == "6"
    assert (rows["renamed"]["type"], rows["renamed"]["input"], rows["renamed"]["output"]) == ("TOOL", None, "secret")
    assert (json.loads(rows["static"]["input"]), rows["static"]["output"]) == ({"secret": "secret"}, None)
    assert json.loads(rows["generator"]["output"]) == [0, 11, 2] and json.loads(rows["async_generator"]["output"]) == [0, 1, 2]
    above = parents(rows)
    assert {name for name, parent in above.items() if parent == "root"} == {
        "method", "renamed", "static", "coroutine", "generator", "async_generator"
    }  # fmt: skip
    coroutines = {row["id"] for row in recorder.read("observations", where="name = 'coroutine'")}
    assert above["item 0"] == "generator" and rows["in coroutine 1"]["parent_observation_id"] in coroutines
    assert all(row["end_time"] for row in rows.values())


def test_generators_that_are_left_or_thrown_into(recorder: Recorder) -> None:
    left = generator(5)
    next(left)
    left.close()
    thrown = generator(5)
    next(thrown)
    with pytest.raises(KeyError):
        thrown.throw(KeyError("in"))
    assert _context.current() == {}

    async def leave() -> None:
        running = async_generator(5)
        async for _ in running:
            break
        await running.aclose()  # type: ignore[attr-defined]

    asyncio.run(leave())
    finished = inspect.getgeneratorstate(thrown)
    rows = recorder.rows("observations", order="name, start_time")
    levels = [(row["name"], row["level"]) for row in rows if "generator" in row["name"]]
    assert sorted(levels) == [("async_generator", "DEFAULT"), ("generator", "DEFAULT"), ("generator", "ERROR")]
    assert all(row["end_time"] for row in rows) and finished == "GEN_CLOSED"


@pytest.mark.usefixtures("recorder")
def test_the_value_that_a_generator_returns() -> None:
    def outer() -> Iterator[Any]:
        yield (yield from generator(1))

    assert [*outer()] == [0, "returned"]


def test_unknown_types_are_spans_and_named(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "genesis_ch"), span("odd", "sapn"):
        pass
    assert "'sapn' is none of span, generation" in caplog.text
    for kind in ("generation", "agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail", "event"):
        with span(kind, kind):
            pass
    rows = stored(recorder)
    assert rows["odd"]["type"] == "SPAN" and all(row["type"] == name.upper() for name, row in rows.items() if name != "odd")


def test_a_span_in_another_trace(recorder: Recorder) -> None:
    with span("here") as here, span("there", trace_id="other") as there, span("below"):
        assert there.trace_id == "other" != here.trace_id
    rows = stored(recorder)
    assert parents(rows) == {"here": None, "there": None, "below": "there"}
    assert rows["below"]["trace_id"] == "other"


def test_a_program_that_dies_shows_where_it_was(recorder: Recorder, script: Script) -> None:
    process = script.start(
        "import os, genesis_ch\nwith genesis_ch.span('outer'), genesis_ch.span('inner'):\n"
        "    genesis_ch.ch_logger.flush(30)\n    os.kill(os.getpid(), 9)",
        CLICKHOUSE_URL=recorder.url,
    )
    process.communicate(timeout=60)
    rows = {row["name"]: row for row in recorder.read("observations")}
    assert parents(rows) == {"outer": None, "inner": "outer"} and all(row["end_time"] is None for row in rows.values())


def test_nothing_is_recorded_when_recording_is_off(script: Script) -> None:
    program = (
        "import genesis_ch\n@genesis_ch.observe\ndef f(x): return x\n"
        "with genesis_ch.context(run_id='r'), genesis_ch.span('s') as s:\n    assert f(1) == 1 and len(s.id) == 36 and s.trace_id\n"
        "assert genesis_ch.ch_logger.log_score('a', 1, id='mine') == 'mine'\n"
        "assert genesis_ch.ch_logger.delete_score(None) is None\n"
    )
    script.run(program, GENESIS_CH_MODE="disabled")


class Unreadable:
    """Nothing can be had of it."""

    def fail(self, *_: object) -> Any:
        raise RuntimeError("from the caller's object")

    __str__ = __iter__ = __bool__ = __eq__ = fail  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def test_what_cannot_be_used_never_raises(recorder: Recorder) -> None:
    odd: Any = Unreadable()
    with span("given twice", start_time=1_700_000_000, trace_id=odd) as step:
        step.update(metadata="no mapping").update(metadata={"a": 1}).update(id="x", start_time=0, trace_id="x", end_time=1_700_000_001)
        step.score("s", 1, trace_id="x", observation_id="x")
    with span("type", odd), genesis_ch.context(tags=odd, metadata=odd, trace_id=odd), genesis_ch.context(tags=[odd], metadata={"k": "v"}):
        ch_logger.log_trace("t")
    row = stored(recorder)["given twice"]
    assert (row["id"], row["trace_id"], row["metadata"]) == (step.id, step.trace_id, {"value": "no mapping", "a": "1"})
    assert (row["start_time"].year, row["end_time"].year) == (2023, 2023)
    (score,) = recorder.read("scores")
    assert (score["trace_id"], score["observation_id"]) == (step.trace_id, step.id)
    (trace,) = recorder.read("traces", where="name = 't'")
    assert trace["metadata"]["k"] == "v" and len(trace["tags"]) == 1


def test_a_span_that_is_entered_again_leaves_nothing_behind(recorder: Recorder) -> None:
    step = span("again")
    with step, step:
        assert current_span() is step
    assert current_span() is None and _context.current() == {}
    with step:
        step.update(output="second")
    assert [row["output"] for row in recorder.rows("observations", order="output")] == ["second", None, None] and len(recorder.read("traces")) == 2
