-- What did each run cost?
-- Printed form: task_name is no documented column of generations; it is one of ours, '' in rows of the older logger, which would give a run two rows; here it is the run's own.
-- Of a generation that a resumed run repeats, total_evolution_cost has the later one only; individuals_cost is what all individuals cost.
SELECT
    told.run_id AS run_id,
    runs.task_name AS task_name,
    told.cost AS total_evolution_cost,
    told.generations AS generations,
    made.cost AS individuals_cost
FROM
(
    SELECT
        run_id,
        sumOrNullIf(total_cost, isFinite(total_cost)) AS cost,
        uniqExact(generation) AS generations
    FROM generations
    GROUP BY run_id
) AS told
LEFT JOIN
(
    SELECT
        run_id,
        max(task_name) AS task_name
    FROM evolution_runs
    GROUP BY run_id
) AS runs ON runs.run_id = told.run_id
LEFT JOIN
(
    SELECT
        run_id,
        sumIf(api_cost, isFinite(api_cost)) + sumIf(embed_cost, isFinite(embed_cost)) + sumIf(novelty_cost, isFinite(novelty_cost)) AS cost
    FROM individuals
    GROUP BY run_id
) AS made ON made.run_id = told.run_id
ORDER BY
    total_evolution_cost DESC,
    run_id
