"""What is filled into everything that is logged inside of `with genesis_ch.context(...)`.

One ContextVar of the C core holds a dict that nobody changes: entering makes a new one, leaving puts the old one back. So contexts nest, tasks of
asyncio have their own, and a forked child goes on with its parent's. A new thread begins with none: `carry` takes it there.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextvars import Token
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, overload

from ._core import context as _variable

P = ParamSpec("P")
R = TypeVar("R")
Values = dict[str, Any]

SPAN = "span"
"""Key of the running Span; the core does not look at it, and it stays in its process."""
_NOTHING: Values = {}


def current() -> Values:
    """The values that calls get here; not to be changed."""
    return _variable.get(_NOTHING)


class Scope:
    """Some values on top of the current ones, between enter() and leave()."""

    __slots__ = ("_outer", "_token", "values")

    def __init__(self) -> None:
        self._token: Token[Values] | None = None
        self._outer: Values = _NOTHING
        self.values: Values = _NOTHING

    def enter(self, values: Values) -> None:
        """Put these values in place of the current ones."""
        self._outer = current()
        self.values = values
        self._token = _variable.set(values)

    def leave(self) -> None:
        """Put back what was there; also from another task or thread, where a generator may be closed, unless that has values of its own."""
        token, self._token = self._token, None
        if token is None:
            return
        try:
            _variable.reset(token)
        except ValueError:
            if current() is self.values:
                _variable.set(self._outer)


class Scopes:
    """The scopes of an object that may be entered several times, and by several threads and tasks at once."""

    __slots__ = ("_scopes",)

    def __init__(self) -> None:
        self._scopes: list[Scope] = []

    def enter(self, values: Values) -> None:
        """Put these values, a dict of this one entry, in place of the current ones."""
        scope = Scope()
        scope.enter(values)
        self._scopes.append(scope)

    def leave(self) -> None:
        """Leave the scope that runs here; else, of calls that do not nest, the last one."""
        values = current()
        entered = list(self._scopes)
        own = [scope for scope in entered if scope.values is values] or entered
        if own and own[-1] in self._scopes:
            self._scopes.remove(own[-1])
            own[-1].leave()


class context:
    """Fill these columns for everything that is logged inside: rows of all tables that have them, LLM calls included.

    What a call gives itself counts more. Of nested contexts the inner counts, tags and the entries of metadata add up. run_id, individual_id,
    trace_id, session_id, user_id, project_id, environment: text; generation: int; tags: texts; metadata: a mapping.

        with genesis_ch.context(run_id=run_id, generation=3, individual_id=child.id):
            child.code = ask_model(prompt)  # its log_llm_interaction knows which program it was for

    An object of it may be entered again, and by many threads or tasks at once, as long as each leaves what it entered.
    """

    def __init__(
        self,
        *,
        run_id: str | None = None,
        generation: int | None = None,
        individual_id: str | None = None,
        trace_id: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        project_id: str | None = None,
        environment: str | None = None,
    ) -> None:
        given = {
            "run_id": run_id,
            "generation": generation,
            "individual_id": individual_id,
            "trace_id": trace_id,
            "session_id": session_id,
            "user_id": user_id,
            "tags": None if tags is None else list_of(tags),
            "metadata": None if metadata is None else dict_of(metadata),
            "project_id": project_id,
            "environment": environment,
        }
        self._given = {name: value for name, value in given.items() if value is not None}
        self._scopes = Scopes()

    def __enter__(self) -> context:
        self._scopes.enter(combined(current(), self._given))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._scopes.leave()


def list_of(value: Any) -> list[Any]:
    """Tags as a list: text, and what cannot be iterated, is one."""
    try:
        return [value] if isinstance(value, (str, bytes)) else list(value)
    except Exception:  # whatever iterating raises
        return [value]


def dict_of(value: Any) -> Values:
    """Metadata as a dict of its own; what is no mapping is its only entry, "value", as in a row."""
    try:
        return dict(value)
    except Exception:  # whatever reading it raises
        return {"value": value}


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # an array and the like, which is no id
        return False


def _without_repeats(tags: list[Any]) -> list[Any]:
    try:
        return list(dict.fromkeys(tags))
    except Exception:  # what has no hash is no text
        return tags


def combined(outer: Values, inner: Values) -> Values:
    """Both; of what both have the inner counts, but tags and metadata add up. Another trace has other observations."""
    values = {**outer, **inner}
    if "tags" in outer and "tags" in inner:
        values["tags"] = _without_repeats([*outer["tags"], *inner["tags"]])
    if "metadata" in outer and "metadata" in inner:
        values["metadata"] = {**outer["metadata"], **inner["metadata"]}
    if "trace_id" in inner and not _same(inner["trace_id"], outer.get("trace_id")):
        for name in ("observation_id", "parent_observation_id", SPAN):
            if name not in inner:
                values.pop(name, None)
    return values


class _Carried(Generic[P, R]):
    """A callable that runs with the values of the place where it was made; it can be pickled if the callable can."""

    def __init__(self, target: Callable[P, R], values: Values) -> None:
        self._target = target
        self._values = values

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        scope = Scope()
        scope.enter(self._values)
        try:
            return self._target(*args, **kwargs)
        finally:
            scope.leave()

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: value for name, value in self._values.items() if name != SPAN and _travels(value)}
        if "metadata" in self._values:
            values["metadata"] = {key: value for key, value in self._values["metadata"].items() if _travels(value)}
        return _Carried, (self._target, values)


def _travels(value: Any) -> bool:
    """Whether it can go to another process."""
    try:
        pickle.dumps(value)
    except Exception:  # whatever the object's own __reduce__ raises
        return False
    return True


class _CarryingExecutor(Executor):
    """Another executor, each of whose calls runs with the values of the place of its submit()."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._executor.submit(carry(fn), *args, **kwargs)

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
        return self._executor.map(carry(fn), *iterables, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait, cancel_futures=cancel_futures)


@overload
def carry(target: Executor) -> Executor: ...
@overload
def carry(target: Callable[P, R]) -> Callable[P, R]: ...
def carry(target: Any) -> Any:
    """The same callable, run with the context and the span of here, wherever it is called: in a thread or in a process of a pool.

    Of an executor: the same executor, which does so with everything that is submitted.

        with ThreadPoolExecutor() as pool:
            pool.submit(genesis_ch.carry(evaluate), child)
            genesis_ch.carry(pool).map(evaluate, children)
    """
    if isinstance(target, Executor):
        return _CarryingExecutor(target)
    return _Carried(target, current())
