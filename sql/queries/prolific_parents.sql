-- Which individuals of a run have the most children?
-- Printed form: '' comes first, the parent of all that have none, and one fitness_delta of NaN makes the mean of its parent NaN.
-- avg_improvement is the mean of the finite fitness_delta, NULL without one.
-- param run_id: the run
-- param limit = 20: how many
SELECT
    parent_id,
    count() AS num_children,
    avgOrNullIf(fitness_delta, isFinite(fitness_delta)) AS avg_improvement,
    countIf(fitness_delta > 0) AS successful_children
FROM code_lineages
WHERE run_id = {run_id:String}
    AND parent_id != ''
GROUP BY parent_id
ORDER BY
    num_children DESC,
    parent_id
LIMIT {limit:UInt32}
