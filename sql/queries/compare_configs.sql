-- With which configurations was a task run?
-- param task_name: the task
SELECT
    run_id,
    task_name,
    config
FROM evolution_runs
WHERE task_name = {task_name:String}
ORDER BY
    start_time DESC,
    run_id
