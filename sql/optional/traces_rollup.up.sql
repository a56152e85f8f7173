-- One row a trace, put together while rows arrive: its times, tags, tokens, costs, input and output, with no join and no FINAL over observations.
--
-- It is not part of the schema. The schema that it comes from took it back, and `python bench/rollup.py` shows when it pays.
-- What it cannot do, because a materialized view sees inserts and not rows:
-- * cost_details and usage_details are sums over inserts. An observation that is updated, or sent again after a lost connection,
--   counts once more; recording delivers at least once, so these two are upper bounds. Ask observations for money. Ids, tags,
--   times and the newest input and output stay right, because they are sets, bounds and latest values.
-- * A tombstone takes nothing away: a deleted trace or observation stays.
-- * Where no value was given, the latest one counts: a column cannot be set back to NULL.
--
-- On, after the migrations, with a client that may create tables:
--     clickhouse client --database DATABASE --queries-file sql/optional/traces_rollup.up.sql
-- or from Python, which also reaches the embedded server:
--     for statement in re.split("(?m);$", open("sql/optional/traces_rollup.up.sql").read()):
--         if statement.strip():
--             ch_logger.client.command(statement)
-- Rows that are there already: traces_rollup.fill.sql, once, while nothing is recorded. Off: traces_rollup.down.sql, the same way.
--
-- Read it with one row a trace, because parts that are not merged yet hold several:
--     SELECT project_id, id, min(start_time), sumMap(cost_details)['total'], argMaxMerge(input)
--     FROM traces_all_amt
--     WHERE project_id = 'default'
--     GROUP BY project_id, id

CREATE TABLE IF NOT EXISTS traces_null
(
    project_id String,
    id String,
    start_time DateTime64(3),
    end_time Nullable(DateTime64(3)),
    name Nullable(String),
    metadata Map(LowCardinality(String), String),
    user_id Nullable(String),
    session_id Nullable(String),
    environment Nullable(String),
    tags Array(String),
    version Nullable(String),
    release Nullable(String),
    bookmarked Nullable(Bool),
    public Nullable(Bool),
    observation_ids Array(String),
    score_ids Array(String),
    cost_details Map(String, Decimal(38, 12)),
    usage_details Map(String, UInt64),
    input String,
    output String,
    created_at DateTime64(3),
    updated_at DateTime64(3),
    event_ts DateTime64(3)
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS traces_all_amt
(
    project_id String,
    id String,
    timestamp SimpleAggregateFunction(min, DateTime64(3)),
    start_time SimpleAggregateFunction(min, DateTime64(3)),
    end_time SimpleAggregateFunction(max, Nullable(DateTime64(3))),
    name SimpleAggregateFunction(anyLast, Nullable(String)),
    metadata SimpleAggregateFunction(maxMap, Map(String, String)),
    user_id SimpleAggregateFunction(anyLast, Nullable(String)),
    session_id SimpleAggregateFunction(anyLast, Nullable(String)),
    environment SimpleAggregateFunction(anyLast, Nullable(String)),
    tags SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    version SimpleAggregateFunction(anyLast, Nullable(String)),
    release SimpleAggregateFunction(anyLast, Nullable(String)),
    bookmarked AggregateFunction(argMax, Nullable(Bool), DateTime64(3)),
    public SimpleAggregateFunction(max, Nullable(Bool)),
    observation_ids SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    score_ids SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    cost_details SimpleAggregateFunction(sumMap, Map(String, Decimal(38, 12))),
    usage_details SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    input AggregateFunction(argMax, String, DateTime64(3)) CODEC(ZSTD(3)),
    output AggregateFunction(argMax, String, DateTime64(3)) CODEC(ZSTD(3)),
    created_at SimpleAggregateFunction(min, DateTime64(3)),
    updated_at SimpleAggregateFunction(max, DateTime64(3))
)
ENGINE = AggregatingMergeTree
ORDER BY (project_id, id);

CREATE TABLE IF NOT EXISTS traces_7d_amt
(
    project_id String,
    id String,
    timestamp SimpleAggregateFunction(min, DateTime64(3)),
    start_time SimpleAggregateFunction(min, DateTime64(3)),
    end_time SimpleAggregateFunction(max, Nullable(DateTime64(3))),
    name SimpleAggregateFunction(anyLast, Nullable(String)),
    metadata SimpleAggregateFunction(maxMap, Map(String, String)),
    user_id SimpleAggregateFunction(anyLast, Nullable(String)),
    session_id SimpleAggregateFunction(anyLast, Nullable(String)),
    environment SimpleAggregateFunction(anyLast, Nullable(String)),
    tags SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    version SimpleAggregateFunction(anyLast, Nullable(String)),
    release SimpleAggregateFunction(anyLast, Nullable(String)),
    bookmarked AggregateFunction(argMax, Nullable(Bool), DateTime64(3)),
    public SimpleAggregateFunction(max, Nullable(Bool)),
    observation_ids SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    score_ids SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    cost_details SimpleAggregateFunction(sumMap, Map(String, Decimal(38, 12))),
    usage_details SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    input AggregateFunction(argMax, String, DateTime64(3)) CODEC(ZSTD(3)),
    output AggregateFunction(argMax, String, DateTime64(3)) CODEC(ZSTD(3)),
    created_at SimpleAggregateFunction(min, DateTime64(3)),
    updated_at SimpleAggregateFunction(max, DateTime64(3))
)
ENGINE = AggregatingMergeTree
ORDER BY (project_id, id)
TTL toDate(start_time) + INTERVAL 7 DAY;

CREATE TABLE IF NOT EXISTS traces_30d_amt
(
    project_id String,
    id String,
    timestamp SimpleAggregateFunction(min, DateTime64(3)),
    start_time SimpleAggregateFunction(min, DateTime64(3)),
    end_time SimpleAggregateFunction(max, Nullable(DateTime64(3))),
    name SimpleAggregateFunction(anyLast, Nullable(String)),
    metadata SimpleAggregateFunction(maxMap, Map(String, String)),
    user_id SimpleAggregateFunction(anyLast, Nullable(String)),
    session_id SimpleAggregateFunction(anyLast, Nullable(String)),
    environment SimpleAggregateFunction(anyLast, Nullable(String)),
    tags SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    version SimpleAggregateFunction(anyLast, Nullable(String)),
    release SimpleAggregateFunction(anyLast, Nullable(String)),
    bookmarked AggregateFunction(argMax, Nullable(Bool), DateTime64(3)),
    public SimpleAggregateFunction(max, Nullable(Bool)),
    observation_ids SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    score_ids SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    cost_details SimpleAggregateFunction(sumMap, Map(String, Decimal(38, 12))),
    usage_details SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    input AggregateFunction(argMax, String, DateTime64(3)) CODEC(ZSTD(3)),
    output AggregateFunction(argMax, String, DateTime64(3)) CODEC(ZSTD(3)),
    created_at SimpleAggregateFunction(min, DateTime64(3)),
    updated_at SimpleAggregateFunction(max, DateTime64(3))
)
ENGINE = AggregatingMergeTree
ORDER BY (project_id, id)
TTL toDate(start_time) + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_all_amt_mv TO traces_all_amt AS
SELECT
    project_id,
    id,
    min(traces_null.start_time) AS timestamp,
    min(traces_null.start_time) AS start_time,
    max(traces_null.end_time) AS end_time,
    anyLast(traces_null.name) AS name,
    maxMap(traces_null.metadata) AS metadata,
    anyLast(traces_null.user_id) AS user_id,
    anyLast(traces_null.session_id) AS session_id,
    anyLast(traces_null.environment) AS environment,
    groupUniqArrayArray(traces_null.tags) AS tags,
    anyLast(traces_null.version) AS version,
    anyLast(traces_null.release) AS release,
    argMaxState(traces_null.bookmarked, traces_null.event_ts) AS bookmarked,
    max(traces_null.public) AS public,
    groupUniqArrayArray(traces_null.observation_ids) AS observation_ids,
    groupUniqArrayArray(traces_null.score_ids) AS score_ids,
    sumMap(traces_null.cost_details) AS cost_details,
    sumMap(traces_null.usage_details) AS usage_details,
    argMaxState(traces_null.input, if(traces_null.input != '', traces_null.event_ts, toDateTime64(0, 3))) AS input,
    argMaxState(traces_null.output, if(traces_null.output != '', traces_null.event_ts, toDateTime64(0, 3))) AS output,
    min(traces_null.created_at) AS created_at,
    max(traces_null.updated_at) AS updated_at
FROM traces_null
GROUP BY
    project_id,
    id;

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_7d_amt_mv TO traces_7d_amt AS
SELECT
    project_id,
    id,
    min(traces_null.start_time) AS timestamp,
    min(traces_null.start_time) AS start_time,
    max(traces_null.end_time) AS end_time,
    anyLast(traces_null.name) AS name,
    maxMap(traces_null.metadata) AS metadata,
    anyLast(traces_null.user_id) AS user_id,
    anyLast(traces_null.session_id) AS session_id,
    anyLast(traces_null.environment) AS environment,
    groupUniqArrayArray(traces_null.tags) AS tags,
    anyLast(traces_null.version) AS version,
    anyLast(traces_null.release) AS release,
    argMaxState(traces_null.bookmarked, traces_null.event_ts) AS bookmarked,
    max(traces_null.public) AS public,
    groupUniqArrayArray(traces_null.observation_ids) AS observation_ids,
    groupUniqArrayArray(traces_null.score_ids) AS score_ids,
    sumMap(traces_null.cost_details) AS cost_details,
    sumMap(traces_null.usage_details) AS usage_details,
    argMaxState(traces_null.input, if(traces_null.input != '', traces_null.event_ts, toDateTime64(0, 3))) AS input,
    argMaxState(traces_null.output, if(traces_null.output != '', traces_null.event_ts, toDateTime64(0, 3))) AS output,
    min(traces_null.created_at) AS created_at,
    max(traces_null.updated_at) AS updated_at
FROM traces_null
GROUP BY
    project_id,
    id;

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_30d_amt_mv TO traces_30d_amt AS
SELECT
    project_id,
    id,
    min(traces_null.start_time) AS timestamp,
    min(traces_null.start_time) AS start_time,
    max(traces_null.end_time) AS end_time,
    anyLast(traces_null.name) AS name,
    maxMap(traces_null.metadata) AS metadata,
    anyLast(traces_null.user_id) AS user_id,
    anyLast(traces_null.session_id) AS session_id,
    anyLast(traces_null.environment) AS environment,
    groupUniqArrayArray(traces_null.tags) AS tags,
    anyLast(traces_null.version) AS version,
    anyLast(traces_null.release) AS release,
    argMaxState(traces_null.bookmarked, traces_null.event_ts) AS bookmarked,
    max(traces_null.public) AS public,
    groupUniqArrayArray(traces_null.observation_ids) AS observation_ids,
    groupUniqArrayArray(traces_null.score_ids) AS score_ids,
    sumMap(traces_null.cost_details) AS cost_details,
    sumMap(traces_null.usage_details) AS usage_details,
    argMaxState(traces_null.input, if(traces_null.input != '', traces_null.event_ts, toDateTime64(0, 3))) AS input,
    argMaxState(traces_null.output, if(traces_null.output != '', traces_null.event_ts, toDateTime64(0, 3))) AS output,
    min(traces_null.created_at) AS created_at,
    max(traces_null.updated_at) AS updated_at
FROM traces_null
GROUP BY
    project_id,
    id;

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_null_from_traces TO traces_null AS
SELECT
    project_id,
    id,
    timestamp AS start_time,
    name,
    metadata,
    user_id,
    session_id,
    environment,
    tags,
    version,
    release,
    bookmarked,
    public,
    ifNull(input, '') AS input,
    ifNull(output, '') AS output,
    created_at,
    updated_at,
    event_ts
FROM traces
WHERE is_deleted = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_null_from_observations TO traces_null AS
SELECT
    project_id,
    trace_id AS id,
    start_time,
    end_time,
    [observations.id] AS observation_ids,
    CAST(cost_details, 'Map(String, Decimal(38, 12))') AS cost_details,
    CAST(usage_details, 'Map(String, UInt64)') AS usage_details,
    created_at,
    updated_at,
    event_ts
FROM observations
WHERE is_deleted = 0
    AND trace_id != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_null_from_scores TO traces_null AS
SELECT
    project_id,
    trace_id AS id,
    timestamp AS start_time,
    [scores.id] AS score_ids,
    created_at,
    updated_at,
    event_ts
FROM scores
WHERE is_deleted = 0
    AND trace_id != '';
