-- Which mutation types of a run make the best individuals?
-- Printed form: one score of NaN makes the mean of its type NaN, and quantile() is a sample above 8192 rows; here scores that are not finite are left out and quantiles are exact.
-- count is of all individuals after generation 0, scored of those with a finite score; without one the scores are NULL.
-- param run_id: the run
SELECT
    mutation_type,
    count() AS count,
    countIf(isFinite(fitness_score)) AS scored,
    avgOrNullIf(fitness_score, isFinite(fitness_score)) AS avg_fitness,
    quantileExactInclusiveOrNullIf(0.5)(fitness_score, isFinite(fitness_score)) AS median_fitness,
    quantileExactInclusiveOrNullIf(0.9)(fitness_score, isFinite(fitness_score)) AS p90_fitness,
    maxOrNullIf(fitness_score, isFinite(fitness_score)) AS max_fitness
FROM individuals
WHERE run_id = {run_id:String}
    AND generation > 0
GROUP BY mutation_type
ORDER BY
    avg_fitness DESC,
    mutation_type
