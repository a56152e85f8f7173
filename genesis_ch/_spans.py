"""Spans: steps of a trace as observations, by `with genesis_ch.span(...)` and `@genesis_ch.observe`.

A span is stored twice under one id: when it begins, so that a run that dies shows where it was, and when it ends. The outermost
span makes the trace.
"""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast, overload

from ._context import SPAN, Scope, Scopes, Values, combined, current, dict_of
from .logger import ch_logger

F = TypeVar("F", bound=Callable[..., Any])

TYPES = ("span", "generation", "agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail", "event")
ITEMS_MAX = 1000
"""Items of a generator that are kept as its output."""
WORDS_MAX = 1000

_log = logging.getLogger("genesis_ch")


class Span:
    """One step. id and trace_id are texts, "" before it began.

    As a context manager it begins and ends; what is logged inside belongs to it. An exception that leaves it is recorded (level ERROR,
    status_message) and goes on.
    """

    __slots__ = ("_around", "_changes", "_fields", "_makes_trace", "_scopes", "_start", "id", "name", "trace_id", "type")

    def __init__(self, name: str, as_type: str = "span", **fields: Any) -> None:
        self.name = name
        self.type = known_type(as_type)
        self.id = ""
        self.trace_id = ""
        self._fields = fields
        self._changes: Values = {}
        self._around: Values = {}
        self._scopes = Scopes()
        self._start = 0.0
        self._makes_trace = False

    def __enter__(self) -> Span:
        self._scopes.enter(self.begin())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._scopes.leave()
        self.end(error)

    def begin(self) -> Values:
        """Store that it began; the context for what is done inside."""
        outer = current()
        self._start = time.time()
        self.trace_id = text_of(self._fields.get("trace_id")) or text_of(outer.get("trace_id"))
        self._makes_trace = not self.trace_id
        if self._makes_trace:
            self.trace_id = ch_logger.log_trace(self.name, timestamp=self._start, input=self._fields.get("input"))
        self._around = combined(outer, {"trace_id": self.trace_id})
        self.id = self._log({"start_time": self._start, **self._fields})
        return {**self._around, "observation_id": self.id, "parent_observation_id": self.id, SPAN: self}

    def update(self, **fields: Any) -> Span:
        """Add what became known: output, metadata, usage, cost, model, level and the other arguments of log_observation.

        Stored when the span ends, or at once when it has ended.
        """
        before: Values = self._changes.get("metadata", {})
        self._changes.update(fields)
        if fields.get("metadata") is not None:
            self._changes["metadata"] = {**before, **dict_of(fields["metadata"])}
        elif before:
            self._changes["metadata"] = before
        if not self._start:
            self._store({})
        return self

    def score(self, name: str, value: float | bool | str, **fields: Any) -> str:
        """Store a score of this span, as log_score; its id."""
        return ch_logger.log_score(name, value, **{**fields, "trace_id": self.trace_id, "observation_id": self.id})

    def end(self, error: BaseException | None = None) -> None:
        """Store that it ended, with what update() added and with the error."""
        if not self._start:
            return
        if error is not None and not isinstance(error, GeneratorExit):
            self._changes.setdefault("level", "ERROR" if isinstance(error, Exception) else "WARNING")
            self._changes.setdefault("status_message", words_of(error))
        self._store({"end_time": time.time()})
        if self._makes_trace and "output" in self._changes:
            ch_logger.log_trace(id=self.trace_id, timestamp=self._start, output=self._changes["output"])
        self._start = 0.0
        self._changes = {}

    def _store(self, times: Values) -> None:
        if self._start:
            times = {"start_time": self._start, **times}
        known: Values = {name: self._fields[name] for name in ("parent_observation_id", "model") if name in self._fields}
        self._log({**times, **known, **self._changes, "id": self.id})

    def _log(self, fields: Values) -> str:
        """Where it is called from need not be where the span began: its own context fills the row."""
        scope = Scope()
        scope.enter(self._around)
        try:
            return ch_logger.log_observation(self.name, self.type, **{**fields, "trace_id": self.trace_id})
        finally:
            scope.leave()


def span(name: str, as_type: str = "span", **fields: Any) -> Span:
    """A step of the current trace, or of a new one: `with genesis_ch.span("mutate") as step: ... step.update(output=code)`.

    as_type is one of span, generation, agent, tool, chain, retriever, evaluator, embedding, guardrail and event. fields are arguments of
    ch_logger.log_observation, such as input, metadata and model. Nothing it does raises.
    """
    return Span(name, as_type, **fields)


def current_span() -> Span | None:
    """The span that runs here, to update or score it; None outside of any, and in a process that only carries the ids of one."""
    return cast("Span | None", current().get(SPAN))


@overload
def observe(function: F, /) -> F: ...
@overload
def observe(
    *, name: str | None = None, as_type: str = "span", capture_input: bool = True, capture_output: bool = True
) -> Callable[[F], F]: ...
def observe(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    as_type: str = "span",
    capture_input: bool = True,
    capture_output: bool = True,
) -> Any:
    """Make each call of a function a span: functions, methods, coroutines, generators and async generators.

    name: that of the function unless given. as_type: as of span(). Arguments become the input, by name and without self; what is returned, or the list of
    what is yielded, the output. The function's results, exceptions and signature stay as they are.
    """

    def decorate(target: Callable[..., Any]) -> Callable[..., Any]:
        return _wrapped(target, _Maker(target, name, known_type(as_type), capture_input), capture_output)

    return decorate if function is None else decorate(function)


class _Maker:
    """Makes the span of one call."""

    def __init__(self, target: Callable[..., Any], name: str | None, as_type: str, capture_input: bool) -> None:
        self._name = name or str(getattr(target, "__name__", type(target).__name__))
        self._type = as_type
        self._signature = _signature_of(target) if capture_input else None
        self._capture = capture_input

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span:
        if not self._capture:
            return Span(self._name, self._type)
        return Span(self._name, self._type, input=self._arguments(args, kwargs))

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        try:
            bound = self._signature.bind_partial(*args, **kwargs).arguments if self._signature else None
        except TypeError:  # the call itself will say so
            bound = None
        if bound is None:
            return {"args": list(args), "kwargs": kwargs}
        return {name: value for name, value in bound.items() if name not in ("self", "cls")}


def _signature_of(target: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None


def _wrapped(target: Callable[..., Any], make: _Maker, capture: bool) -> Callable[..., Any]:
    if isinstance(target, (staticmethod, classmethod)):
        return cast("Callable[..., Any]", type(target)(_wrapped(target.__func__, make, capture)))
    if inspect.isasyncgenfunction(target):
        return _wrapped_async_generator(target, make, capture)
    if inspect.isgeneratorfunction(target):
        return _wrapped_generator(target, make, capture)
    if inspect.iscoroutinefunction(target):
        return _wrapped_coroutine(target, make, capture)

    @functools.wraps(target)
    def call(*args: Any, **kwargs: Any) -> Any:
        with make(args, kwargs) as step:
            result = target(*args, **kwargs)
            if capture:
                step.update(output=result)
            return result

    return call


def _wrapped_coroutine(target: Callable[..., Any], make: _Maker, capture: bool) -> Callable[..., Any]:
    @functools.wraps(target)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with make(args, kwargs) as step:
            result = await target(*args, **kwargs)
            if capture:
                step.update(output=result)
            return result

    return call


class _Steps:
    """The span of a generator: its context is there while the generator runs and gone while its caller does."""

    def __init__(self, step: Span, capture: bool) -> None:
        self._span = step
        self._inside = step.begin()
        self._scope = Scope()
        self._items: list[Any] | None = [] if capture else None

    def enter(self) -> None:
        self._scope.enter(self._inside)

    def leave(self) -> None:
        self._inside = current()
        self._scope.leave()

    def keep(self, item: Any) -> None:
        if self._items is not None and len(self._items) < ITEMS_MAX:
            self._items.append(item)

    def end(self, error: BaseException | None = None) -> None:
        if self._items is not None:
            self._span.update(output=self._items)
        self._span.end(error)


def _wrapped_generator(target: Callable[..., Any], make: _Maker, capture: bool) -> Callable[..., Any]:
    @functools.wraps(target)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        steps = _Steps(make(args, kwargs), capture)
        generator = target(*args, **kwargs)
        do: Callable[[Any], Any] = generator.send
        sent: Any = None
        try:
            while True:
                steps.enter()
                try:
                    item = do(sent)
                except StopIteration as end:
                    steps.end()
                    return end.value
                finally:
                    steps.leave()
                steps.keep(item)
                try:
                    do, sent = generator.send, (yield item)
                except GeneratorExit:
                    steps.enter()
                    try:
                        generator.close()
                    finally:
                        steps.leave()
                    raise
                except BaseException as error:
                    do, sent = generator.throw, error
        except BaseException as error:
            steps.end(error)
            raise

    return call


def _wrapped_async_generator(target: Callable[..., Any], make: _Maker, capture: bool) -> Callable[..., Any]:
    @functools.wraps(target)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = _Steps(make(args, kwargs), capture)
        generator = target(*args, **kwargs)
        do: Callable[[Any], Any] = generator.asend
        sent: Any = None
        try:
            while True:
                steps.enter()
                try:
                    item = await do(sent)
                except StopAsyncIteration:
                    steps.end()
                    return
                finally:
                    steps.leave()
                steps.keep(item)
                try:
                    do, sent = generator.asend, (yield item)
                except GeneratorExit:
                    steps.enter()
                    try:
                        await generator.aclose()
                    finally:
                        steps.leave()
                    raise
                except BaseException as error:
                    do, sent = generator.athrow, error
        except BaseException as error:
            steps.end(error)
            raise

    return call


def known_type(as_type: str) -> str:
    """The type in capitals, as it is stored; an unknown one is SPAN, with a line to logging."""
    if isinstance(as_type, str) and as_type.lower() in TYPES:
        return as_type.upper()
    shown = repr(as_type) if isinstance(as_type, str) else f"a {type(as_type).__name__}"
    _log.warning("as_type=%s is none of %s; stored as a span", shown, ", ".join(TYPES))
    return "SPAN"


def text_of(value: Any) -> str:
    """An id as text; "" for none, and for what cannot be made text."""
    try:
        return "" if value is None else str(value)
    except Exception:  # whatever its __str__ raises
        return ""


def words_of(error: BaseException) -> str:
    """Type and text of an error; one whose text cannot be made has only its type."""
    try:
        text = str(error)
    except Exception:  # whatever its __str__ raises
        text = ""
    kind = type(error).__name__
    return (f"{kind}: {text}" if text else kind)[:WORDS_MAX]
