-- How much better than the generation before was each generation of a run?
-- Printed form: lag() is unknown to servers before 25.8, and 0 before the first generation, whose whole score then counts as improvement; a best_score of NaN makes two of NaN.
-- Generations without a finite best_score are left out, and the next one is compared with the last that had one; the first has NULL.
-- is_record says whether the generation beat all before it: a recovery from a bad generation does not.
-- param run_id: the run
SELECT
    generation,
    best_score,
    best_score - lagInFrame(toNullable(best_score)) OVER (ORDER BY generation) AS improvement,
    CAST(best_score > max(toNullable(best_score)) OVER (ORDER BY generation ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 'Nullable(Bool)') AS is_record
FROM generations
WHERE run_id = {run_id:String}
    AND isFinite(best_score)
ORDER BY
    improvement DESC,
    generation
