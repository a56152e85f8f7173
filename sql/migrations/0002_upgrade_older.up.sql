-- A database that the older Python logger made has the documented columns only (plain MergeTree): it gets the others here.
-- On tables of 0001 every statement finds its column there and does nothing.

ALTER TABLE evolution_runs
    ADD COLUMN IF NOT EXISTS project_id String,
    ADD COLUMN IF NOT EXISTS parent_run_id String,
    ADD COLUMN IF NOT EXISTS git_sha String,
    ADD COLUMN IF NOT EXISTS git_dirty Bool,
    ADD COLUMN IF NOT EXISTS hostname String,
    ADD COLUMN IF NOT EXISTS pid UInt32,
    ADD COLUMN IF NOT EXISTS heartbeat_at DateTime64(3),
    ADD COLUMN IF NOT EXISTS error String,
    ADD COLUMN IF NOT EXISTS tags Array(String),
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE generations
    ADD COLUMN IF NOT EXISTS task_name String,
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE individuals
    ADD COLUMN IF NOT EXISTS metrics_num Map(LowCardinality(String), Float64),
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE pareto_fronts
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE code_lineages
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE llm_logs
    ADD COLUMN IF NOT EXISTS thought String CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS run_id String,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32),
    ADD COLUMN IF NOT EXISTS individual_id String,
    ADD COLUMN IF NOT EXISTS trace_id String,
    ADD COLUMN IF NOT EXISTS provider String,
    ADD COLUMN IF NOT EXISTS input_tokens Nullable(UInt64),
    ADD COLUMN IF NOT EXISTS output_tokens Nullable(UInt64),
    ADD COLUMN IF NOT EXISTS usage Map(LowCardinality(String), UInt64),
    ADD COLUMN IF NOT EXISTS error String CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;

ALTER TABLE agent_actions
    ADD COLUMN IF NOT EXISTS run_id String,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32),
    ADD COLUMN IF NOT EXISTS _ts DateTime64(6) EPHEMERAL now64(6),
    ADD COLUMN IF NOT EXISTS event_ts DateTime64(6) MATERIALIZED _ts;
