-- Who is a child of whom in a run?
-- parent_id is '' for an individual without a parent; a child of two parents has two rows.
-- param run_id: the run
SELECT
    child_id,
    parent_id,
    generation,
    mutation_type,
    fitness_delta
FROM code_lineages
WHERE run_id = {run_id:String}
ORDER BY
    generation,
    timestamp,
    child_id,
    parent_id
