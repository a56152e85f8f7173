-- How was a trace judged?
-- Its scores and those of its observations. value is NULL where it is not finite and where the score is a category.
-- param trace_id: the trace
WITH
    spans AS
    (
        SELECT
            id,
            type,
            name
        FROM observations
        WHERE trace_id = {trace_id:String}
        ORDER BY event_ts DESC
        LIMIT 1 BY id
    )
SELECT
    scores.timestamp AS timestamp,
    scores.id AS id,
    scores.name AS name,
    if(isFinite(scores.value) AND scores.data_type != 'CATEGORICAL', scores.value, NULL) AS value,
    scores.string_value AS string_value,
    scores.data_type AS data_type,
    scores.source AS source,
    ifNull(scores.observation_id, '') AS observation_id,
    spans.type AS observation_type,
    spans.name AS observation_name,
    scores.comment AS comment
FROM scores
LEFT JOIN spans ON spans.id = scores.observation_id
WHERE scores.trace_id = {trace_id:String}
ORDER BY
    timestamp,
    name,
    id
SETTINGS join_use_nulls = 0
