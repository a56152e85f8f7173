"""Records LLM-driven program evolution in ClickHouse.

    from genesis_ch import ch_logger

    ch_logger.log_evolution_run(run_id, task_name, config, population_size, cluster_type, database_path)

Importing this starts nothing and loads nothing from outside the standard library.
"""

from __future__ import annotations

from ._alias import alias
from ._context import carry, context
from ._results import ConnectError, Endpoint, FlushResult
from ._spans import Span, current_span, observe, span
from ._version import __version__
from .logger import ClickHouseLogger, ch_logger

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
    "span",
]
