-- Adds our columns, behind the documented ones and before the version of the row.
-- A database that the older Python logger made (plain MergeTree, the documented columns, some with thought) gets the version too.

ALTER TABLE evolution_runs
    ADD COLUMN IF NOT EXISTS project_id String AFTER database_path,
    ADD COLUMN IF NOT EXISTS parent_run_id String AFTER project_id,
    ADD COLUMN IF NOT EXISTS git_sha String AFTER parent_run_id,
    ADD COLUMN IF NOT EXISTS git_dirty Bool AFTER git_sha,
    ADD COLUMN IF NOT EXISTS hostname String AFTER git_dirty,
    ADD COLUMN IF NOT EXISTS pid UInt32 AFTER hostname,
    ADD COLUMN IF NOT EXISTS heartbeat_at DateTime64(3) AFTER pid,
    ADD COLUMN IF NOT EXISTS error String AFTER heartbeat_at,
    ADD COLUMN IF NOT EXISTS tags Array(String) AFTER error,
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE generations
    ADD COLUMN IF NOT EXISTS task_name String AFTER metadata,
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE individuals
    ADD COLUMN IF NOT EXISTS metrics_num Map(LowCardinality(String), Float64) AFTER code_size,
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE pareto_fronts
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE code_lineages
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE llm_logs
    ADD COLUMN IF NOT EXISTS thought String CODEC(ZSTD(3)) AFTER metadata,
    ADD COLUMN IF NOT EXISTS run_id String AFTER thought,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32) AFTER run_id,
    ADD COLUMN IF NOT EXISTS individual_id String AFTER generation,
    ADD COLUMN IF NOT EXISTS trace_id String AFTER individual_id,
    ADD COLUMN IF NOT EXISTS provider String AFTER trace_id,
    ADD COLUMN IF NOT EXISTS input_tokens Nullable(UInt64) AFTER provider,
    ADD COLUMN IF NOT EXISTS output_tokens Nullable(UInt64) AFTER input_tokens,
    ADD COLUMN IF NOT EXISTS usage Map(LowCardinality(String), UInt64) AFTER output_tokens,
    ADD COLUMN IF NOT EXISTS error String CODEC(ZSTD(3)) AFTER usage,
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE agent_actions
    ADD COLUMN IF NOT EXISTS run_id String AFTER metadata,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32) AFTER run_id,
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;
