-- Which mutations of a run improved the most on their parent?
-- Printed form: a child of a parent with a score of -inf has the largest fitness_delta of all, inf; here it is left out.
-- A child of two parents has a row, and a fitness_delta, for each.
-- param run_id: the run
-- param limit = 10: how many
SELECT
    child_id,
    parent_id,
    generation,
    mutation_type,
    fitness_delta,
    edit_summary
FROM code_lineages
WHERE run_id = {run_id:String}
    AND fitness_delta > 0
    AND isFinite(fitness_delta)
ORDER BY
    fitness_delta DESC,
    generation,
    child_id,
    parent_id
LIMIT {limit:UInt32}
