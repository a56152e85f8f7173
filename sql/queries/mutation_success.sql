-- How often does each mutation type of a run improve on the parent?
-- Printed form: one fitness_delta of NaN makes the mean of its type NaN, and children without a parent, whose delta is 0, count as failures.
-- total counts each pair of child and parent, children each child once; a delta of NaN is no improvement and not in the mean.
-- param run_id: the run
SELECT
    mutation_type,
    count() AS total,
    uniqExact(child_id) AS children,
    countIf(fitness_delta > 0) AS improvements,
    improvements / total AS success_rate,
    avgOrNullIf(fitness_delta, isFinite(fitness_delta)) AS avg_delta
FROM code_lineages
WHERE run_id = {run_id:String}
    AND generation > 0
    AND parent_id != ''
GROUP BY mutation_type
ORDER BY
    success_rate DESC,
    mutation_type
