"""The tables: what the core writes, what the migrations make, and what is documented are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from conftest import Recorder
from genesis_ch import _core, ch_logger
from server_fixtures import ROOT

# The documented columns, in the documented order.
DOCUMENTED = {
    "llm_logs": "id UUID, timestamp DateTime64(3), model String, messages String, response String, cost Float64, "
    "execution_time Float64, metadata String",
    "agent_actions": "id UUID, timestamp DateTime64(3), action_type String, details String, metadata String",
    "evolution_runs": "run_id String, start_time DateTime64(3), end_time DateTime64(3), task_name String, config String, "
    "status String, total_generations Int32, population_size Int32, cluster_type String, database_path String",
    "generations": "run_id String, generation Int32, timestamp DateTime64(3), num_individuals Int32, best_score Float64, "
    "avg_score Float64, pareto_size Int32, total_cost Float64, metadata String",
    "individuals": "run_id String, individual_id String, generation Int32, timestamp DateTime64(3), parent_id String, "
    "mutation_type String, fitness_score Float64, combined_score Float64, metrics String, is_pareto Bool, api_cost Float64, "
    "embed_cost Float64, novelty_cost Float64, code_hash String, code_size Int32",
    "pareto_fronts": "run_id String, generation Int32, timestamp DateTime64(3), individual_id String, fitness_score Float64, "
    "combined_score Float64, metrics String",
    "code_lineages": "run_id String, child_id String, parent_id String, generation Int32, mutation_type String, "
    "timestamp DateTime64(3), fitness_delta Float64, edit_summary String",
}
# Those of the observability schema, whose types hold commas.
OBSERVABILITY = {
    "traces": "id String; timestamp DateTime64(3); name String; user_id Nullable(String); metadata "
    "Map(LowCardinality(String), String); release Nullable(String); version Nullable(String); project_id String; "
    "public Bool; bookmarked Bool; tags Array(String); input Nullable(String); output Nullable(String); "
    "session_id Nullable(String); created_at DateTime64(3); updated_at DateTime64(3); event_ts DateTime64(3); "
    "is_deleted UInt8",
    "observations": "id String; trace_id String; project_id String; type LowCardinality(String); parent_observation_id "
    "Nullable(String); start_time DateTime64(3); end_time Nullable(DateTime64(3)); name String; metadata "
    "Map(LowCardinality(String), String); level LowCardinality(String); status_message Nullable(String); version "
    "Nullable(String); input Nullable(String); output Nullable(String); provided_model_name Nullable(String); "
    "internal_model_id Nullable(String); model_parameters Nullable(String); provided_usage_details "
    "Map(LowCardinality(String), UInt64); usage_details Map(LowCardinality(String), UInt64); "
    "provided_cost_details Map(LowCardinality(String), Decimal(18, 12)); cost_details Map(LowCardinality(String), "
    "Decimal(18, 12)); total_cost Nullable(Decimal(18, 12)); completion_start_time Nullable(DateTime64(3)); "
    "prompt_id Nullable(String); prompt_name Nullable(String); prompt_version Nullable(UInt16); tool_definitions "
    "Map(String, String); tool_calls Array(String); tool_call_names Array(String); created_at DateTime64(3); "
    "updated_at DateTime64(3); event_ts DateTime64(3); is_deleted UInt8",
    "scores": "id String; timestamp DateTime64(3); project_id String; trace_id String; observation_id Nullable(String); "
    "name String; value Float64; source String; comment Nullable(String); author_user_id Nullable(String); "
    "config_id Nullable(String); data_type String; string_value Nullable(String); queue_id Nullable(String); "
    "session_id Nullable(String); dataset_run_id Nullable(String); created_at DateTime64(3); updated_at "
    "DateTime64(3); event_ts DateTime64(3); is_deleted UInt8",
    "dataset_run_items_rmt": "id String; project_id String; dataset_run_id String; dataset_item_id String; dataset_id String; trace_id "
    "String; observation_id Nullable(String); error Nullable(String); created_at DateTime64(3); updated_at "
    "DateTime64(3); dataset_run_name String; dataset_run_description Nullable(String); dataset_run_metadata "
    "Map(LowCardinality(String), String); dataset_run_created_at DateTime64(3); dataset_item_input "
    "Nullable(String); dataset_item_expected_output Nullable(String); dataset_item_metadata "
    "Map(LowCardinality(String), String); event_ts DateTime64(3); is_deleted UInt8",
    "event_log": "id String; project_id String; entity_type String; entity_id String; event_id Nullable(String); bucket_name "
    "String; bucket_path String; created_at DateTime64(3); updated_at DateTime64(3)",
    "blob_storage_file_log": "id String; project_id String; entity_type String; entity_id String; event_id String; bucket_name String; "
    "bucket_path String; created_at DateTime64(3); updated_at DateTime64(3); event_ts DateTime64(3); is_deleted "
    "UInt8",
    "programs_code": "code_hash String; code String",
}
KEYS = {
    "evolution_runs": "run_id",
    "generations": "run_id, generation",
    "individuals": "run_id, generation, individual_id",
    "pareto_fronts": "run_id, generation, individual_id",
    "code_lineages": "run_id, generation, child_id, parent_id",
    "llm_logs": "timestamp, id",
    "agent_actions": "timestamp, id",
}
TABLES_IN_ORDER = (
    "evolution_runs", "generations", "individuals", "pareto_fronts", "code_lineages", "llm_logs", "agent_actions", *OBSERVABILITY
)  # fmt: skip
WITH_ID = [table for table in OBSERVABILITY if table != "programs_code"]
ENGINES = {
    "traces": ("project_id, toDate(timestamp), id", "project_id, toDate(timestamp)", "toYYYYMM(timestamp)"),
    "observations": (
        "project_id, type, toDate(start_time), id",
        "project_id, type, toDate(start_time)",
        "toYYYYMM(start_time)",
    ),
    "scores": ("project_id, toDate(timestamp), name, id", "project_id, toDate(timestamp), name", "toYYYYMM(timestamp)"),
    "dataset_run_items_rmt": ("project_id, dataset_id, dataset_run_id, id", "project_id, dataset_id, dataset_run_id, id", ""),
    "event_log": ("project_id, entity_type, entity_id", "project_id, entity_type, entity_id", ""),
    "blob_storage_file_log": (
        "project_id, entity_type, entity_id, event_id",
        "project_id, entity_type, entity_id, event_id",
        "",
    ),
}
INDEXES = {
    ("traces", "idx_id", "id", "bloom_filter(0.001)"),
    ("traces", "idx_res_metadata_key", "mapKeys(metadata)", "bloom_filter(0.01)"),
    ("traces", "idx_res_metadata_value", "mapValues(metadata)", "bloom_filter(0.01)"),
    ("observations", "idx_id", "id", "bloom_filter"),
    ("observations", "idx_trace_id", "trace_id", "bloom_filter"),
    ("observations", "idx_project_id", "project_id", "bloom_filter"),
    ("observations", "idx_res_metadata_key", "mapKeys(metadata)", "bloom_filter(0.01)"),
    ("observations", "idx_res_metadata_value", "mapValues(metadata)", "bloom_filter(0.01)"),
    ("scores", "idx_id", "id", "bloom_filter(0.001)"),
    ("scores", "idx_project_trace_observation", "project_id, trace_id, observation_id", "bloom_filter(0.001)"),
    ("dataset_run_items_rmt", "idx_dataset_item", "dataset_item_id", "bloom_filter(0.001)"),
    # Ours, on a column of ours.
    *((table, "idx_run_id", "run_id", "bloom_filter(0.01)") for table in ("traces", "observations", "scores")),
}
CODECS = {
    ("traces", "input", "CODEC(ZSTD(3))"),
    ("traces", "output", "CODEC(ZSTD(3))"),
    ("observations", "input", "CODEC(ZSTD(3))"),
    ("observations", "output", "CODEC(ZSTD(3))"),
    ("scores", "comment", "CODEC(ZSTD(1))"),
    ("dataset_run_items_rmt", "dataset_item_input", "CODEC(ZSTD(3))"),
    ("dataset_run_items_rmt", "dataset_item_expected_output", "CODEC(ZSTD(3))"),
}
OLDER_KEYS = {**KEYS, "llm_logs": "timestamp", "agent_actions": "timestamp", "evolution_runs": "run_id, start_time"}
VERSION = [("_ts", "DateTime64(6)", "EPHEMERAL"), ("event_ts", "DateTime64(6)", "MATERIALIZED")]


def documented(table: str) -> list[tuple[str, str]]:
    columns = DOCUMENTED[table].split(", ") if table in DOCUMENTED else OBSERVABILITY[table].split("; ")
    pairs = [column.split(" ", 1) for column in columns]
    return [(name, kind) for name, kind in pairs]


def described(recorder: Recorder, table: str) -> list[tuple[str, str, str]]:
    rows = recorder.reader.query(f"DESCRIBE TABLE {recorder.database}.{table}").result_rows
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def statements(kind: str) -> Iterator[str]:
    for path in sorted((ROOT / "sql" / "migrations").glob(f"*.{kind}.sql")):
        for statement in path.read_text().split(";\n"):
            if statement.strip():
                yield statement


def run_all(recorder: Recorder, kind: str) -> None:
    for statement in statements(kind):
        recorder.reader.command(statement, settings={"database": recorder.database})


def log_one_of_each(run_id: str) -> None:
    ch_logger.log_evolution_run(run_id, "task", {"a": 1}, 2, "local", f"/{run_id}.db")
    ch_logger.log_generation(run_id, 1, 2, 1.5, 0.5, 1)
    ch_logger.log_individual(run_id, "i", 1, "", "init", 1.5, 0.5, {"m": {"n": 2}}, True)
    ch_logger.log_pareto_front(run_id, 1, [{"individual_id": "i", "fitness_score": 1.5, "combined_score": 0.5, "metrics": {}}])
    ch_logger.log_lineage(run_id, "i", "", 1, "init")
    ch_logger.log_llm_interaction("model", [], "reply", thought="why", run_id=run_id, usage={"in": 1})
    ch_logger.log_action("job_submitted", {}, run_id=run_id)


def test_the_core_knows_the_documented_columns() -> None:
    assert [*_core.TABLES] == [*TABLES_IN_ORDER]
    for table, columns in _core.TABLES.items():
        assert columns[: len(documented(table))] == documented(table), table
        assert (columns[-1] == ("_ts", "DateTime64(6)")) == (table not in WITH_ID), table


def test_the_reference_has_no_other_columns_than_the_stub_says() -> None:
    """Nothing added hides a documented name."""
    for table, columns in _core.TABLES.items():
        names = [name for name, _ in columns]
        assert len(names) == len(set(names)), table


@pytest.mark.parametrize("table", DOCUMENTED)
def test_the_engine_has_the_columns_of_the_core(recorder: Recorder, table: str) -> None:
    ch_logger.connect()
    columns = described(recorder, table)
    assert [row[:2] for row in columns[:-1]] == _core.TABLES[table]
    assert columns[-2:] == VERSION
    assert all(row[2] == "" for row in columns[:-2])


def test_the_engine_has_the_observability_tables_as_documented(recorder: Recorder) -> None:
    """Columns, defaults, codecs, skip indexes, engines, keys and partitions."""
    ch_logger.connect()
    reader, names = recorder.reader, ", ".join(map(repr, WITH_ID))
    for table in WITH_ID:
        columns = described(recorder, table)
        assert [row[:2] for row in columns] == _core.TABLES[table], table
        assert {row[0] for row in columns if row[2]} == {"created_at", "updated_at", "environment"} & {row[0] for row in columns}
    where = f"database = '{recorder.database}' AND table IN ({names})"
    indexes = reader.query(f"SELECT table, name, expr, type_full, granularity FROM system.data_skipping_indices WHERE {where}").result_rows
    shown = {(table, name, expression.strip("()") if "," in expression else expression, kind.replace("()", "")) for table, name, expression, kind, _ in indexes}
    assert shown == INDEXES and {row[4] for row in indexes} == {1}
    codecs = reader.query(f"SELECT table, name, compression_codec FROM system.columns WHERE {where} AND compression_codec != ''").result_rows
    assert {tuple(row) for row in codecs} == CODECS
    found = reader.query(
        f"SELECT name, engine_full, sorting_key, primary_key, partition_key FROM system.tables WHERE {where.replace('table IN', 'name IN')}"
    ).result_rows
    assert {row[0]: row[2:] for row in found} == ENGINES
    for name, engine, *_ in found:
        assert engine.startswith("MergeTree" if name == "event_log" else "ReplacingMergeTree(event_ts, is_deleted)"), name


def test_engines_keys_and_what_select_star_shows(recorder: Recorder) -> None:
    log_one_of_each("r")
    recorder.rows("evolution_runs")
    for table in DOCUMENTED:
        (row,) = recorder.read(table)
        assert list(row) == [name for name, _ in _core.TABLES[table][:-1]]
        (info,) = recorder.reader.query(
            f"SELECT engine_full, sorting_key, partition_key FROM system.tables WHERE database = '{recorder.database}' AND name = '{table}'"
        ).result_rows
        assert info[0].startswith("ReplacingMergeTree(event_ts)"), table
        assert info[1:] == (KEYS[table], "toYYYYMM(timestamp)" if table in ("llm_logs", "agent_actions") else "")


def test_a_row_logged_again_replaces_itself(recorder: Recorder) -> None:
    for score in (1.0, 2.0):
        ch_logger.log_generation("r", 1, 2, score, 0.5, 1)
        ch_logger.log_individual("r", "i", 1, "", "init", score, 0.5, {}, True)
        ch_logger.flush()
    assert [row["best_score"] for row in recorder.rows("generations")] == [2.0]
    assert [row["fitness_score"] for row in recorder.rows("individuals")] == [2.0]


def test_every_statement_may_run_again(recorder: Recorder) -> None:
    assert len(list(statements("up"))) > 10
    log_one_of_each("r")
    recorder.rows("evolution_runs")
    before = {table: (described(recorder, table), recorder.read(table)) for table in DOCUMENTED}
    run_all(recorder, "up")
    assert {table: (described(recorder, table), recorder.read(table)) for table in DOCUMENTED} == before
    for path in sorted((ROOT / "sql" / "migrations").glob("*.up.sql")):
        assert re.search(r"(CREATE TABLE (?!IF NOT EXISTS)|ADD COLUMN (?!IF NOT EXISTS))", path.read_text()) is None, path.name


def test_down_takes_back_what_up_did(recorder: Recorder) -> None:
    ch_logger.connect()
    for statement in reversed(list(statements("down"))):
        recorder.reader.command(statement, settings={"database": recorder.database})
    left = recorder.reader.query(f"SHOW TABLES FROM {recorder.database}").result_rows
    assert {row[0] for row in left} & DOCUMENTED.keys() == set()
    run_all(recorder, "up")
    assert [row[:2] for row in described(recorder, "individuals")[:-1]] == _core.TABLES["individuals"]


@pytest.mark.parametrize("thought", [False, True], ids=["without thought", "with thought"])
def test_tables_of_the_older_logger_are_upgraded_in_place(recorder: Recorder, thought: bool) -> None:
    reader, database = recorder.reader, recorder.database
    reader.command(f"CREATE DATABASE {database}")
    for table, columns in DOCUMENTED.items():
        more = ", thought String" if thought and table == "llm_logs" else ""
        reader.command(f"CREATE TABLE {database}.{table} ({columns}{more}) ENGINE = MergeTree ORDER BY ({OLDER_KEYS[table]})")
        reader.command(f"INSERT INTO {database}.{table} ({columns.split(' ')[0]}) SELECT {'generateUUIDv4()' if columns.startswith('id') else repr('old')}")
    log_one_of_each("new")
    ch_logger.update_evolution_run("old", "completed", 7)
    ch_logger.update_evolution_run("new", "failed", 3, error="it's \t broken")
    ch_logger.update_evolution_run("new", "completed", 4)
    result = ch_logger.flush(60)
    assert result, (result, ch_logger.stats())
    for table in DOCUMENTED:
        assert {row[:2] for row in described(recorder, table)} >= set(_core.TABLES[table]), table
        assert reader.command(f"SELECT count() FROM {database}.{table}") == 2, table
    runs = reader.query(
        f"SELECT run_id, status, total_generations, error, config, end_time > '2024-01-01' FROM {database}.evolution_runs ORDER BY run_id"
    ).result_rows
    assert runs == [("new", "completed", 4, "it's \t broken", '{"a":1}', 1), ("old", "completed", 7, "", "", 1)]
    assert reader.query(f"SELECT thought, run_id, usage FROM {database}.llm_logs ORDER BY model").result_rows == [
        ("", "", {}),
        ("why", "new", {"in": 1}),
    ]
    assert reader.query(f"SELECT metrics_num FROM {database}.individuals ORDER BY run_id").result_rows == [({"m.n": 2.0},), ({},)]


def test_rows_of_many_months_in_one_batch(recorder: Recorder) -> None:
    """A server refuses more than 100 partitions in one insert; a backlog of old rows must not stop there."""
    for month in range(250):
        ch_logger.log_action("old", {}, timestamp=f"{1990 + month // 12}-{month % 12 + 1:02}-03T00:00:00+00:00")
    assert len(recorder.rows("agent_actions")) == 250
