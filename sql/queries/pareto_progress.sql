-- How did the scores on the Pareto front of a run develop?
-- Printed form: a generation that a resumed run repeats has the members of both fronts; here those of the later one.
-- Scores that are not finite are left out; a front without any has NULL.
-- param run_id: the run
WITH
    (
        SELECT max(start_time)
        FROM evolution_runs
        WHERE run_id = {run_id:String}
    ) AS last_start
SELECT
    generation,
    uniqExact(individual_id) AS pareto_size,
    maxOrNullIf(fitness_score, isFinite(fitness_score)) AS max_fitness,
    minOrNullIf(combined_score, isFinite(combined_score)) AS min_combined
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
