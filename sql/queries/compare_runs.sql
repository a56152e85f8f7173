-- Which run of a task found the best score, and after how many evaluations, dollars and seconds?
-- Dollars and seconds are counted as in the query convergence. A run without a finite score has NULL for its best and comes last.
-- param task_name: the task
WITH
    runs AS
    (
        SELECT
            run_id,
            status,
            start_time
        FROM evolution_runs
        WHERE task_name = {task_name:String}
    ),
    evaluated AS
    (
        SELECT
            run_id,
            individual_id,
            generation,
            timestamp,
            fitness_score,
            arraySum(arrayFilter(cost -> isFinite(cost), [api_cost, embed_cost, novelty_cost])) AS cost
        FROM individuals
        WHERE run_id IN
        (
            SELECT run_id
            FROM runs
        )
        ORDER BY generation
        LIMIT 1 BY run_id, individual_id
    ),
    progress AS
    (
        SELECT
            *,
            count() OVER up_to_now AS evaluation,
            sum(cost) OVER up_to_now AS spent
        FROM evaluated
        WINDOW up_to_now AS (PARTITION BY run_id ORDER BY timestamp, generation, individual_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    totals AS
    (
        SELECT
            run_id,
            uniqExact(generation) AS generations,
            count() AS evaluations,
            max(spent) AS dollars,
            min(timestamp) AS first_timestamp,
            countIf(isFinite(fitness_score)) AS scores,
            argMaxIf(
                (fitness_score, individual_id, generation, evaluation, spent, timestamp),
                (fitness_score, -toInt64(evaluation)),
                isFinite(fitness_score)) AS best
        FROM progress
        GROUP BY run_id
    )
SELECT
    runs.run_id AS run_id,
    runs.status AS status,
    runs.start_time AS start_time,
    totals.generations AS generations,
    totals.evaluations AS evaluations,
    totals.dollars AS dollars,
    if(totals.scores = 0, NULL, totals.best.1) AS best_score,
    if(totals.scores = 0, NULL, totals.best.2) AS best_individual,
    if(totals.scores = 0, NULL, totals.best.3) AS best_generation,
    if(totals.scores = 0, NULL, totals.best.4) AS evaluations_to_best,
    if(totals.scores = 0, NULL, totals.best.5) AS dollars_to_best,
    if(totals.scores = 0, NULL, dateDiff('millisecond', least(runs.start_time, totals.first_timestamp), totals.best.6) / 1000) AS seconds_to_best
FROM runs
LEFT JOIN totals ON totals.run_id = runs.run_id
ORDER BY
    best_score DESC NULLS LAST,
    run_id
SETTINGS join_use_nulls = 0
