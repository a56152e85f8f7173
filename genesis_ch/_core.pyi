from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, Protocol, SupportsFloat, SupportsIndex

OPTIONS: list[tuple[str, str, str, str]]
TABLES: dict[str, list[tuple[str, str]]]
SHARDING: dict[str, str]

def count_rows(path: str | PathLike[str], limit: int, /) -> int: ...
def read_rows(path: str | PathLike[str], limit: int, /) -> list[tuple[str, dict[str, Any], bool]]: ...
def render_for_cluster(sql: str, cluster: str, database: str, /) -> list[str]: ...
def server_text(text: str, limit: int) -> str: ...

class _SupportsBool(Protocol):
    def __bool__(self) -> bool: ...

class Logger:
    def __init__(
        self,
        prepare: Callable[[], tuple[str, str, bool, list[tuple[str, str]]]],
        notify: Callable[[int, int, str], None],
    ) -> None: ...
    @property
    def enabled(self) -> bool: ...
    def stats(self) -> dict[str, Any]: ...
    def log_llm_interaction(
        self,
        model: str,
        messages: Iterable[Mapping[str, Any]],
        response: str | None,
        cost: SupportsFloat | None = 0.0,
        execution_time: SupportsFloat | None = 0.0,
        metadata: Mapping[str, Any] | None = None,
        thought: str | None = "",
        *,
        timestamp: datetime | float | str | None = None,
        run_id: str | None = "",
        generation: SupportsIndex | None = None,
        individual_id: str | None = "",
        trace_id: str | None = "",
        provider: str | None = "",
        input_tokens: SupportsIndex | None = None,
        output_tokens: SupportsIndex | None = None,
        usage: Any = None,
        error: str | None = "",
    ) -> None: ...
    def log_action(
        self,
        action_type: str,
        details: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None = None,
        *,
        timestamp: datetime | float | str | None = None,
        run_id: str | None = "",
        generation: SupportsIndex | None = None,
    ) -> None: ...
    def log_evolution_run(
        self,
        run_id: str,
        task_name: str,
        config: Any,
        population_size: SupportsIndex | None,
        cluster_type: str | None,
        database_path: Any,
        status: str | None = "running",
        *,
        timestamp: datetime | float | str | None = None,
        project_id: str | None = "",
        parent_run_id: str | None = "",
        git_sha: str | None = "",
        git_dirty: _SupportsBool | None = False,
        error: str | None = "",
        tags: Iterable[str] | None = None,
    ) -> None: ...
    def update_evolution_run(
        self,
        run_id: str,
        status: str | None,
        total_generations: SupportsIndex | None,
        *,
        timestamp: datetime | float | str | None = None,
        error: str | None = "",
    ) -> None: ...
    def log_generation(
        self,
        run_id: str,
        generation: SupportsIndex | None,
        num_individuals: SupportsIndex | None,
        best_score: SupportsFloat | None,
        avg_score: SupportsFloat | None,
        pareto_size: SupportsIndex | None,
        total_cost: SupportsFloat | None = 0.0,
        metadata: Mapping[str, Any] | None = None,
        *,
        timestamp: datetime | float | str | None = None,
        task_name: str | None = "",
    ) -> None: ...
    def log_individual(
        self,
        run_id: str,
        individual_id: str,
        generation: SupportsIndex | None,
        parent_id: str | None,
        mutation_type: str | None,
        fitness_score: SupportsFloat | None,
        combined_score: SupportsFloat | None,
        metrics: Mapping[str, Any] | None,
        is_pareto: _SupportsBool | None,
        api_cost: SupportsFloat | None = 0.0,
        embed_cost: SupportsFloat | None = 0.0,
        novelty_cost: SupportsFloat | None = 0.0,
        code_hash: str | None = "",
        code_size: SupportsIndex | None = 0,
        *,
        timestamp: datetime | float | str | None = None,
    ) -> None: ...
    def log_pareto_front(
        self,
        run_id: str,
        generation: SupportsIndex | None,
        pareto_individuals: Iterable[Any] | None,
        *,
        timestamp: datetime | float | str | None = None,
    ) -> None: ...
    def log_lineage(
        self,
        run_id: str,
        child_id: str,
        parent_id: str | None,
        generation: SupportsIndex | None,
        mutation_type: str | None,
        fitness_delta: SupportsFloat | None = 0.0,
        edit_summary: str | None = "",
        *,
        timestamp: datetime | float | str | None = None,
    ) -> None: ...
    def _flush(self, timeout: float | None, /) -> tuple[int, int, int, int, int, str | None] | None: ...
    def _close(self, timeout: float | None, /) -> tuple[int, int, int, int, int, str | None] | None: ...
    def _connect(self, timeout: float | None, /) -> tuple[int, str, str]: ...
    def _endpoint(self) -> tuple[str, str, str, str, str, str] | None: ...
    def _set_options(self, options: dict[str, Any], /) -> None: ...
    def _seconds(self, option: str, /) -> float: ...
    def _end(self) -> None: ...
