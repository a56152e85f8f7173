"""Measures a logger in use: how long every log call takes and how many rows it makes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger

TABLES = {
    "log_evolution_run": "evolution_runs",
    "log_generation": "generations",
    "log_individual": "individuals",
    "log_pareto_front": "pareto_fronts",
    "log_lineage": "code_lineages",
    "log_llm_interaction": "llm_logs",
    "log_action": "agent_actions",
}
"""Log method to the table that it writes. `update_evolution_run` changes a row and adds none."""


class Meter:
    """Stands in front of a logger and passes every call on.

    `nanoseconds` holds the durations of the log calls by method, `rows` the rows per table.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self.nanoseconds: defaultdict[str, list[int]] = defaultdict(list)
        self.rows: dict[str, int] = dict.fromkeys(TABLES.values(), 0)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._logger, name)
        measured = name in TABLES or name == "update_evolution_run"
        return self._measured(name, method) if measured else method

    def _measured(self, name: str, method: Callable[..., None]) -> Callable[..., None]:
        def call(*args: Any, **kwargs: Any) -> None:
            start = time.perf_counter_ns()
            method(*args, **kwargs)
            self.nanoseconds[name].append(time.perf_counter_ns() - start)
            if name in TABLES:
                self.rows[TABLES[name]] += len(kwargs["pareto_individuals"]) if name == "log_pareto_front" else 1

        return call

    def median(self, method: str) -> float:
        """Return the median of a method's calls, in microseconds; 0.0 when there was none."""
        return percentile(self.nanoseconds[method], 50)

    def calls(self) -> list[int]:
        """Return the durations of all log calls, in nanoseconds."""
        return [duration for durations in self.nanoseconds.values() for duration in durations]


def percentile(nanoseconds: list[int], percent: int) -> float:
    """Return a percentile of some durations, in microseconds; 0.0 when there are none."""
    ordered = sorted(nanoseconds)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000 if ordered else 0.0


def metered(logger: ClickHouseLogger) -> tuple[ClickHouseLogger, Meter]:
    """Return a logger to use in the place of `logger`, and the meter that it is."""
    meter = Meter(logger)
    return cast("ClickHouseLogger", meter), meter
