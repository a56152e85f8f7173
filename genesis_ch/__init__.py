"""Records LLM-driven program evolution in ClickHouse.

    from genesis_ch import ch_logger

    ch_logger.log_evolution_run(run_id, task_name, config, population_size, cluster_type, database_path)

Importing this starts nothing and loads nothing from outside the standard library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._alias import alias
from ._context import carry, context
from ._results import ConnectError, Endpoint, FlushResult
from ._spans import Span, current_span, observe, span
from ._version import __version__
from .logger import ClickHouseLogger, ch_logger

if TYPE_CHECKING:
    from . import queries

__all__ = [
    "ClickHouseLogger",
    "ConnectError",
    "Endpoint",
    "FlushResult",
    "Span",
    "__version__",
    "alias",
    "carry",
    "ch_logger",
    "context",
    "current_span",
    "observe",
    "queries",
    "span",
]


def __getattr__(name: str) -> Any:
    if name == "queries":
        return import_module(".queries", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
