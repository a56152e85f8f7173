"""Measures a logger in use: how long every log call takes and how many rows it makes."""

from __future__ import annotations

import time
from collections import Counter
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

    `nanoseconds` holds the duration of each log call in call order, `rows` the rows per table.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self.nanoseconds: list[int] = []
        self.rows: Counter[str] = Counter({table: 0 for table in TABLES.values()})

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._logger, name)
        measured = name in TABLES or name == "update_evolution_run"
        return self._measured(name, method) if measured else method

    def _measured(self, name: str, method: Callable[..., None]) -> Callable[..., None]:
        def call(*args: Any, **kwargs: Any) -> None:
            start = time.perf_counter_ns()
            method(*args, **kwargs)
            self.nanoseconds.append(time.perf_counter_ns() - start)
            if name == "log_pareto_front":
                self.rows[TABLES[name]] += len(kwargs["pareto_individuals"])
            elif name in TABLES:
                self.rows[TABLES[name]] += 1

        return call

    def microseconds(self) -> dict[str, float]:
        """Return the mean, the median and the 99th percentile of all log calls so far."""
        times = sorted(self.nanoseconds)
        if not times:
            return {"mean": 0.0, "p50": 0.0, "p99": 0.0}
        return {
            "mean": sum(times) / len(times) / 1000,
            "p50": times[len(times) // 2] / 1000,
            "p99": times[min(len(times) - 1, len(times) * 99 // 100)] / 1000,
        }


def metered(logger: ClickHouseLogger) -> tuple[ClickHouseLogger, Meter]:
    """Return a logger to use in the place of `logger`, and the meter that it is."""
    meter = Meter(logger)
    return cast("ClickHouseLogger", meter), meter
