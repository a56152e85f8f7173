-- What did a trace do, step by step, and where did the time go?
-- Observations below their parents, in the order in which they began; those whose parent is not in the trace are roots. self_seconds is the part
-- in which no child ran. An observation that is its own ancestor comes last, with depth NULL; one without an end has NULL for its seconds.
-- param trace_id: the trace
WITH RECURSIVE
    spans AS
    (
        SELECT
            id,
            ifNull(parent_observation_id, '') AS parent_id,
            type,
            name,
            level,
            start_time,
            toUnixTimestamp64Milli(start_time) AS begin,
            toUnixTimestamp64Milli(ifNull(end_time, start_time)) AS end,
            end_time IS NOT NULL AS is_ended,
            total_cost
        FROM observations
        WHERE trace_id = {trace_id:String}
        ORDER BY event_ts DESC
        LIMIT 1 BY id
    ),
    tree AS
    (
        SELECT
            toUInt32(0) AS depth,
            id,
            [(begin, id)] AS place
        FROM spans
        WHERE parent_id NOT IN
        (
            SELECT id
            FROM spans
        )
        UNION ALL
        SELECT
            tree.depth + 1,
            spans.id,
            arrayPushBack(tree.place, (spans.begin, spans.id))
        FROM spans
        INNER JOIN tree ON tree.id = spans.parent_id
    ),
    busy AS
    (
        SELECT
            parent.id AS id,
            intervalLengthSum(greatest(child.begin, parent.begin), least(child.end, parent.end)) AS milliseconds
        FROM spans AS child
        INNER JOIN spans AS parent ON parent.id = child.parent_id
        WHERE child.id != parent.id
            AND greatest(child.begin, parent.begin) < least(child.end, parent.end)
        GROUP BY parent.id
    ),
    placed AS
    (
        SELECT
            id,
            depth,
            place,
            true AS is_placed
        FROM tree
    )
SELECT
    if(placed.is_placed, placed.depth, NULL) AS depth,
    spans.id AS id,
    spans.parent_id AS parent_observation_id,
    spans.type AS type,
    spans.name AS name,
    spans.level AS level,
    spans.start_time AS start_time,
    if(spans.is_ended, (spans.end - spans.begin) / 1000, NULL) AS seconds,
    if(spans.is_ended, (spans.end - spans.begin - toInt64(busy.milliseconds)) / 1000, NULL) AS self_seconds,
    spans.total_cost AS dollars
FROM spans
LEFT JOIN placed ON placed.id = spans.id
LEFT JOIN busy ON busy.id = spans.id
ORDER BY
    placed.is_placed DESC,
    placed.place,
    spans.begin,
    id
SETTINGS
    max_recursive_cte_evaluation_depth = 1000000,
    join_use_nulls = 0
