-- Which runs say that they are running, and have been silent for long?
-- The complement of active_runs: a process that died, a machine that went down, or an evaluation that takes longer than that.
-- param minutes = 60: how old the newest row of a run must be
WITH
    now64(3) - toIntervalMinute({minutes:UInt32}) AS until,
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
        WHERE run_id IN (SELECT run_id FROM running)
        UNION ALL
        SELECT
            run_id,
            timestamp AS at
        FROM agent_actions
        WHERE run_id IN (SELECT run_id FROM running)
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
WHERE newest.last_seen < until
ORDER BY
    start_time,
    run_id
