-- How far has a run come?
-- Printed form: a generation appears only when it is over, so the one going on is missing; here its row has NULL where the generation will be told.
-- individuals counts those logged, pareto_actual those of them that were on the front when they were evaluated.
-- param run_id: the run
SELECT
    generation,
    best_score,
    avg_score,
    pareto_size,
    total_cost,
    pareto_actual,
    individuals
FROM
(
    SELECT
        generation,
        anyOrNullIf(score, is_generation) AS best_score,
        anyOrNullIf(mean, is_generation) AS avg_score,
        anyOrNullIf(size, is_generation) AS pareto_size,
        anyOrNullIf(cost, is_generation) AS total_cost,
        countIf(is_pareto) AS pareto_actual,
        countIf(NOT is_generation) AS individuals
    FROM
    (
        SELECT
            generation,
            true AS is_generation,
            best_score AS score,
            avg_score AS mean,
            pareto_size AS size,
            total_cost AS cost,
            false AS is_pareto
        FROM generations
        WHERE run_id = {run_id:String}
        UNION ALL
        SELECT
            generation,
            false AS is_generation,
            0 AS score,
            0 AS mean,
            0 AS size,
            0 AS cost,
            is_pareto
        FROM individuals
        WHERE run_id = {run_id:String}
    )
    GROUP BY generation
)
ORDER BY generation
