-- Which runs are going on?
-- Printed form: a run whose process died says "running" for ever, and total_generations is 0 until a run ends; here a run counts that logged a row lately.
-- A run of which no row came for that long may still wait for a slow evaluation: see crashed_runs.
-- param minutes = 60: how old its newest row may be
WITH
    now64(3) - toIntervalMinute({minutes:UInt32}) AS since,
    running AS
    (
        SELECT
            run_id,
            task_name,
            start_time,
            heartbeat_at
        FROM evolution_runs
        WHERE status = 'running'
    ),
    rows AS
    (
        SELECT
            run_id,
            greatest(start_time, heartbeat_at) AS at
        FROM running
        UNION ALL
        SELECT
            run_id,
            timestamp AS at
        FROM generations
        WHERE run_id IN (SELECT run_id FROM running)
        UNION ALL
        SELECT
            run_id,
            timestamp AS at
        FROM individuals
        WHERE run_id IN (SELECT run_id FROM running)
        UNION ALL
        SELECT
            run_id,
            timestamp AS at
        FROM llm_logs
        WHERE timestamp >= since
            AND run_id IN (SELECT run_id FROM running)
        UNION ALL
        SELECT
            run_id,
            timestamp AS at
        FROM agent_actions
        WHERE timestamp >= since
            AND run_id IN (SELECT run_id FROM running)
    ),
    newest AS
    (
        SELECT
            run_id,
            max(at) AS last_seen
        FROM rows
        GROUP BY run_id
    ),
    progress AS
    (
        SELECT
            run_id,
            toNullable(max(generation)) AS last_generation
        FROM generations
        WHERE run_id IN (SELECT run_id FROM running)
        GROUP BY run_id
    )
SELECT
    running.run_id AS run_id,
    running.task_name AS task_name,
    running.start_time AS start_time,
    progress.last_generation AS last_generation,
    newest.last_seen AS last_seen
FROM running
INNER JOIN newest ON newest.run_id = running.run_id
LEFT JOIN progress ON progress.run_id = running.run_id
WHERE newest.last_seen >= since
ORDER BY
    start_time,
    run_id
