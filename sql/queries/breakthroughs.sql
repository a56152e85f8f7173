-- Which generations of a run were better than the one before by more than a share of its score?
-- Printed form: a window function cannot stand in HAVING; before the first generation lagInFrame() is 0; and a share of a negative score has the wrong sign.
-- The share is of the absolute score before; from 0 every improvement counts, and its share is NULL. Scores that are not finite are left out.
-- param run_id: the run
-- param share = 0.1: the least share
SELECT
    generation,
    best_score,
    best_score - previous_score AS improvement,
    improvement / nullIf(abs(previous_score), 0) AS improvement_pct
FROM
(
    SELECT
        generation,
        best_score,
        lagInFrame(toNullable(best_score)) OVER (ORDER BY generation) AS previous_score
    FROM generations
    WHERE run_id = {run_id:String}
        AND isFinite(best_score)
)
WHERE improvement > {share:Float64} * abs(previous_score)
ORDER BY
    improvement_pct DESC NULLS FIRST,
    generation
