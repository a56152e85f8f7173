from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import datetime
from os import PathLike
from typing import Any, Protocol, SupportsFloat, SupportsIndex

OPTIONS: list[tuple[str, str, str, str]]
TABLES: dict[str, list[tuple[str, str]]]
SHARDING: dict[str, str]
context: ContextVar[dict[str, Any]]

def count_rows(path: str | PathLike[str], limit: int, /) -> int: ...
def read_rows(path: str | PathLike[str], limit: int, /) -> list[tuple[str, dict[str, Any], bool]]: ...
def render_for_cluster(sql: str, cluster: str, database: str, /) -> list[str]: ...
def server_text(text: str, limit: int) -> str: ...

class _SupportsBool(Protocol):
    def __bool__(self) -> bool: ...

class Logger:
    def __init__(
        self,
        prepare: Callable[[], tuple[str, str, bool, list[tuple[str, str, str]]]],
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
        code: str | bytes | None = None,
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
    def log_trace(
        self,
        name: str | None = None,
        *,
        id: str | None = None,
        timestamp: datetime | float | str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        input: Any = None,
        output: Any = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        release: str | None = None,
        version: str | None = None,
        public: _SupportsBool | None = None,
        bookmarked: _SupportsBool | None = None,
        environment: str | None = None,
        project_id: str | None = None,
        run_id: str | None = None,
        generation: SupportsIndex | None = None,
        individual_id: str | None = None,
    ) -> str: ...
    def log_observation(
        self,
        name: str | None = None,
        type: str | None = None,
        *,
        id: str | None = None,
        trace_id: str | None = None,
        parent_observation_id: str | None = None,
        start_time: datetime | float | str | None = None,
        end_time: datetime | float | str | None = None,
        input: Any = None,
        output: Any = None,
        metadata: Mapping[str, Any] | None = None,
        level: str | None = None,
        status_message: str | None = None,
        version: str | None = None,
        model: str | None = None,
        internal_model_id: str | None = None,
        model_parameters: Any = None,
        usage: Any = None,
        cost: Any = None,
        completion_start_time: datetime | float | str | None = None,
        prompt_id: str | None = None,
        prompt_name: str | None = None,
        prompt_version: SupportsIndex | None = None,
        tool_definitions: Mapping[str, Any] | None = None,
        tool_calls: Iterable[Any] | None = None,
        tool_call_names: Iterable[str] | None = None,
        environment: str | None = None,
        project_id: str | None = None,
        run_id: str | None = None,
        generation: SupportsIndex | None = None,
        individual_id: str | None = None,
        usage_pricing_tier_id: str | None = None,
        usage_pricing_tier_name: str | None = None,
    ) -> str: ...
    def log_score(
        self,
        name: str | None = None,
        value: Any = None,
        *,
        trace_id: str | None = None,
        observation_id: str | None = None,
        id: str | None = None,
        timestamp: datetime | float | str | None = None,
        data_type: str | None = None,
        string_value: str | None = None,
        source: str | None = None,
        comment: str | None = None,
        session_id: str | None = None,
        dataset_run_id: str | None = None,
        author_user_id: str | None = None,
        config_id: str | None = None,
        queue_id: str | None = None,
        environment: str | None = None,
        project_id: str | None = None,
        run_id: str | None = None,
        generation: SupportsIndex | None = None,
        individual_id: str | None = None,
    ) -> str: ...
    def log_dataset_run_item(
        self,
        dataset_id: str | None = None,
        dataset_run_id: str | None = None,
        dataset_item_id: str | None = None,
        trace_id: str | None = None,
        *,
        observation_id: str | None = None,
        id: str | None = None,
        timestamp: datetime | float | str | None = None,
        error: Any = None,
        dataset_run_name: str | None = None,
        dataset_run_description: str | None = None,
        dataset_run_metadata: Mapping[str, Any] | None = None,
        dataset_run_created_at: datetime | float | str | None = None,
        dataset_item_input: Any = None,
        dataset_item_expected_output: Any = None,
        dataset_item_metadata: Mapping[str, Any] | None = None,
        project_id: str | None = None,
    ) -> str: ...
    def log_event(
        self,
        entity_type: str | None = None,
        entity_id: str | None = None,
        event_id: str | None = None,
        bucket_name: str | None = None,
        bucket_path: str | None = None,
        *,
        id: str | None = None,
        timestamp: datetime | float | str | None = None,
        project_id: str | None = None,
    ) -> str: ...
    def log_blob(
        self,
        entity_type: str | None = None,
        entity_id: str | None = None,
        event_id: str | None = None,
        bucket_name: str | None = None,
        bucket_path: str | None = None,
        *,
        id: str | None = None,
        timestamp: datetime | float | str | None = None,
        project_id: str | None = None,
    ) -> str: ...
    def delete_trace(
        self,
        id: str | None,
        *,
        project_id: str | None = None,
    ) -> str: ...
    def delete_observation(
        self,
        id: str | None,
        *,
        project_id: str | None = None,
    ) -> str: ...
    def delete_score(
        self,
        id: str | None,
        *,
        project_id: str | None = None,
    ) -> str: ...
    def delete_dataset_run_item(
        self,
        id: str | None,
        *,
        project_id: str | None = None,
    ) -> str: ...
    def delete_blob(
        self,
        id: str | None,
        *,
        project_id: str | None = None,
    ) -> str: ...
    def _flush(self, timeout: float | None, /) -> tuple[int, int, int, int, int, str | None] | None: ...
    def _close(self, timeout: float | None, /) -> tuple[int, int, int, int, int, str | None] | None: ...
    def _connect(self, timeout: float | None, /) -> tuple[int, str, str]: ...
    def _endpoint(self) -> tuple[str, str, str, str, str, str] | None: ...
    def _set_options(self, options: dict[str, Any], /) -> None: ...
    def _seconds(self, option: str, /) -> float: ...
    def _migrate(self, target: int | None, run: bool, again: bool = False, /) -> dict[str, Any]: ...
    def _end(self) -> None: ...
