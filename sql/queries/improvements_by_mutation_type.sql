-- By how much do the mutations improve that do?
-- Printed form: one fitness_delta of inf, from a parent of -inf, makes the mean of its type inf; here it is left out.
-- param run_id = '': the run; '' is all runs
SELECT
    mutation_type,
    count() AS count,
    avg(fitness_delta) AS avg_improvement,
    max(fitness_delta) AS best_improvement
FROM code_lineages
WHERE ({run_id:String} = '' OR run_id = {run_id:String})
    AND fitness_delta > 0
    AND isFinite(fitness_delta)
GROUP BY mutation_type
ORDER BY
    avg_improvement DESC,
    mutation_type
