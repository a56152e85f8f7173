-- For what was the money of a run spent?
-- Printed form: one cost of NaN makes its sum and the total NaN; here costs that are not finite are left out.
-- param run_id: the run
SELECT
    sumIf(api_cost, isFinite(api_cost)) AS total_mutation_cost,
    sumIf(embed_cost, isFinite(embed_cost)) AS total_embedding_cost,
    sumIf(novelty_cost, isFinite(novelty_cost)) AS total_novelty_cost,
    total_mutation_cost + total_embedding_cost + total_novelty_cost AS total_cost
FROM individuals
WHERE run_id = {run_id:String}
