-- The seven documented tables with the documented columns in the documented order; 0002 adds ours.
-- _ts is the version of a row: the writer sets it, nothing stores it but event_ts, and SELECT * shows neither.
-- A run has a thousand rows or so: granules of 1,024 keep a query of one run from reading others, also while parts are not merged.

CREATE TABLE IF NOT EXISTS evolution_runs
(
    run_id String,
    start_time DateTime64(3),
    end_time DateTime64(3),
    task_name String,
    config String CODEC(ZSTD(3)),
    status String,
    total_generations Int32,
    population_size Int32,
    cluster_type String,
    database_path String,
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
ORDER BY run_id;

CREATE TABLE IF NOT EXISTS generations
(
    run_id String,
    generation Int32,
    timestamp DateTime64(3),
    num_individuals Int32,
    best_score Float64,
    avg_score Float64,
    pareto_size Int32,
    total_cost Float64,
    metadata String CODEC(ZSTD(3)),
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
ORDER BY (run_id, generation)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS individuals
(
    run_id String,
    individual_id String,
    generation Int32,
    timestamp DateTime64(3),
    parent_id String,
    mutation_type String,
    fitness_score Float64,
    combined_score Float64,
    metrics String CODEC(ZSTD(3)),
    is_pareto Bool,
    api_cost Float64,
    embed_cost Float64,
    novelty_cost Float64,
    code_hash String,
    code_size Int32,
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
ORDER BY (run_id, generation, individual_id)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS pareto_fronts
(
    run_id String,
    generation Int32,
    timestamp DateTime64(3),
    individual_id String,
    fitness_score Float64,
    combined_score Float64,
    metrics String CODEC(ZSTD(3)),
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
ORDER BY (run_id, generation, individual_id)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS code_lineages
(
    run_id String,
    child_id String,
    parent_id String,
    generation Int32,
    mutation_type String,
    timestamp DateTime64(3),
    fitness_delta Float64,
    edit_summary String CODEC(ZSTD(3)),
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
ORDER BY (run_id, generation, child_id, parent_id)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS llm_logs
(
    id UUID,
    timestamp DateTime64(3),
    model String,
    messages String CODEC(ZSTD(3)),
    response String CODEC(ZSTD(3)),
    cost Float64,
    execution_time Float64,
    metadata String CODEC(ZSTD(3)),
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (timestamp, id);

CREATE TABLE IF NOT EXISTS agent_actions
(
    id UUID,
    timestamp DateTime64(3),
    action_type String,
    details String CODEC(ZSTD(3)),
    metadata String CODEC(ZSTD(3)),
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (timestamp, id);
