-- Which individuals are on the latest Pareto front of a run?
-- Printed form: a generation that a resumed run repeats has the members of both fronts; here those of the later one.
-- Scores of NaN come last.
-- param run_id: the run
WITH
    (
        SELECT max(start_time)
        FROM evolution_runs
        WHERE run_id = {run_id:String}
    ) AS last_start
SELECT
    individual_id,
    fitness_score,
    combined_score,
    metrics
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
QUALIFY generation = max(generation) OVER ()
ORDER BY
    fitness_score DESC,
    individual_id
