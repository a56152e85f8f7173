-- Which individuals of a run were on the Pareto front when they were evaluated?
-- Scores of NaN come last in their generation.
-- param run_id: the run
SELECT
    generation,
    individual_id,
    fitness_score,
    combined_score
FROM individuals
WHERE run_id = {run_id:String}
    AND is_pareto
ORDER BY
    generation,
    fitness_score DESC,
    individual_id
