-- Which individual scored highest in all runs of a task?
-- Printed form: a score of inf, which only an evaluator with a mistake gives, wins, and among equal scores chance decides.
-- Scores that are not finite are left out; of equal scores the individual of the earlier generation comes first.
-- param task_name: the task
-- param limit = 1: how many
SELECT
    run_id,
    individual_id,
    generation,
    fitness_score,
    metrics
FROM individuals
WHERE run_id IN
    (
        SELECT run_id
        FROM evolution_runs
        WHERE task_name = {task_name:String}
    )
    AND isFinite(fitness_score)
ORDER BY
    fitness_score DESC,
    generation,
    run_id,
    individual_id
LIMIT {limit:UInt32}
