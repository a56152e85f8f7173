"""What each query of sql/queries must answer, computed in plain Python from what was logged.

An oracle is a function of the query's name: it takes the tables and the parameters, all of them, and gives the rows in their order. Its
cases are the parameters that it is asked with; a case may leave out what has a default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from evolution_model import RUNS, Tables

Answer = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Oracle:
    """`any_order`: the query promises no order."""

    answer: Answer
    cases: tuple[dict[str, Any], ...]
    any_order: bool = False


ORACLES: dict[str, Oracle] = {}
EVERY_RUN: tuple[dict[str, Any], ...] = tuple({"run_id": run} for run in [*RUNS, "no such run"])


def oracle(*cases: dict[str, Any], any_order: bool = False) -> Callable[[Answer], Answer]:
    """Makes a function the oracle of the query of its name."""

    def keep(answer: Answer) -> Answer:
        assert answer.__name__ not in ORACLES, answer.__name__
        ORACLES[answer.__name__] = Oracle(answer, cases or ({},), any_order)
        return answer

    return keep


def ordered(rows: Iterable[tuple[Any, ...]], *keys: Callable[[tuple[Any, ...]], Any]) -> list[tuple[Any, ...]]:
    """Rows sorted by several keys, the first one first."""
    return sorted(rows, key=lambda row: tuple(key(row) for key in keys))


def every_oracle() -> dict[str, Oracle]:
    """The oracles of all modules of this package."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        import_module(f"{__name__}.{path.stem}")
    return ORACLES


__all__ = ["EVERY_RUN", "ORACLES", "Oracle", "Tables", "every_oracle", "oracle", "ordered"]
