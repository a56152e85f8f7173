-- Which individuals of a run scored highest?
-- Printed form: a score of inf, which only an evaluator with a mistake gives, comes first, and equal scores are in no order.
-- Scores that are not finite are left out; of equal scores the individual of the earlier generation comes first.
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
