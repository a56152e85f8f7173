-- Which individuals of a run scored highest?
-- Scores that are not finite are left out; of equal scores the earlier individual comes first.
-- param run_id: the run
-- param limit = 10: how many
SELECT
    individual_id,
    generation,
    fitness_score,
    combined_score,
    mutation_type,
    metrics
FROM individuals
WHERE run_id = {run_id:String}
    AND isFinite(fitness_score)
ORDER BY
    fitness_score DESC,
    generation,
    individual_id
LIMIT {limit:UInt32}
