-- Traces, observations and scores that were there before the roll-up. Once, and while nothing is recorded: what runs twice counts twice.

INSERT INTO traces_null
(
    project_id,
    id,
    start_time,
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
    input,
    output,
    created_at,
    updated_at,
    event_ts
)
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
FROM traces FINAL
WHERE is_deleted = 0;

INSERT INTO traces_null
(
    project_id,
    id,
    start_time,
    end_time,
    observation_ids,
    cost_details,
    usage_details,
    created_at,
    updated_at,
    event_ts
)
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
FROM observations FINAL
WHERE is_deleted = 0
    AND trace_id != '';

INSERT INTO traces_null
(
    project_id,
    id,
    start_time,
    score_ids,
    created_at,
    updated_at,
    event_ts
)
SELECT
    project_id,
    trace_id AS id,
    timestamp AS start_time,
    [scores.id] AS score_ids,
    created_at,
    updated_at,
    event_ts
FROM scores FINAL
WHERE is_deleted = 0
    AND trace_id != '';
