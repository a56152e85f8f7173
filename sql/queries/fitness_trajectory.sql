-- How did the scores, the front and the cost of a run develop?
-- best_so_far is the highest finite best_score up to there; NULL before the first.
-- param run_id: the run
SELECT
    generation,
    best_score,
    avg_score,
    pareto_size,
    total_cost,
    maxOrNullIf(best_score, isFinite(best_score)) OVER (ORDER BY generation) AS best_so_far
FROM generations
WHERE run_id = {run_id:String}
ORDER BY generation
