-- How large was the Pareto front of each generation of a run?
-- Printed form: a generation that a resumed run repeats has the members of both fronts; here those of the later one.
-- An empty front has no rows, so its generation is not in the result.
-- param run_id: the run
WITH
    (
        SELECT max(start_time)
        FROM evolution_runs
        WHERE run_id = {run_id:String}
    ) AS last_start
SELECT
    generation,
    count() AS pareto_size
FROM
(
    SELECT
        *,
        max(timestamp) OVER (PARTITION BY generation) AS newest
    FROM pareto_fronts
    WHERE run_id = {run_id:String}
)
WHERE timestamp >= last_start
    OR newest < last_start
GROUP BY generation
ORDER BY generation
