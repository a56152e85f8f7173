-- What does an improvement cost, by kind of mutation and model?
-- Each individual, and so each dollar, is in one row: that of the model on which most of its dollars went (most time, where none did).
-- Its calls (llm_logs.individual_id) and its api_cost and novelty_cost are two records of the same dollars: the larger counts; embed_cost comes on
-- top. model is '' where no call names the individual; calls for one that was never recorded are in the rows of '(never recorded)'.
-- A child improves when its score exceeds that of its best parent by more than min_improvement.
-- param run_id: the run
-- param min_improvement = 0.0: what a score must gain to count
WITH
    calls AS
    (
        SELECT
            individual_id,
            model,
            sumIf(cost, isFinite(cost)) AS model_dollars,
            sumIf(execution_time, isFinite(execution_time)) AS model_seconds
        FROM llm_logs
        WHERE run_id = {run_id:String}
            AND individual_id != ''
        GROUP BY
            individual_id,
            model
    ),
    called AS
    (
        SELECT
            individual_id,
            sum(model_dollars) AS dollars,
            argMax(model, (model_dollars, model_seconds, model)) AS main_model
        FROM calls
        GROUP BY individual_id
    ),
    gains AS
    (
        SELECT
            child_id,
            countIf(isFinite(fitness_delta) AND fitness_delta <= {min_improvement:Float64}) = 0 AND countIf(isFinite(fitness_delta)) > 0 AS improved
        FROM code_lineages
        WHERE run_id = {run_id:String}
            AND parent_id != ''
        GROUP BY child_id
    ),
    born AS
    (
        SELECT
            individual_id,
            mutation_type,
            arraySum(arrayFilter(cost -> isFinite(cost), [api_cost, novelty_cost])) AS recorded_dollars,
            if(isFinite(embed_cost), embed_cost, 0.) AS embed_dollars
        FROM individuals
        WHERE run_id = {run_id:String}
        ORDER BY generation
        LIMIT 1 BY individual_id
    ),
    spent AS
    (
        SELECT
            born.mutation_type AS mutation_type,
            called.main_model AS model,
            1 AS individual,
            gains.improved AS improvement,
            greatest(called.dollars, born.recorded_dollars) + born.embed_dollars AS dollars
        FROM born
        LEFT JOIN called ON called.individual_id = born.individual_id
        LEFT JOIN gains ON gains.child_id = born.individual_id
        UNION ALL
        SELECT
            '(never recorded)' AS mutation_type,
            main_model AS model,
            0 AS individual,
            0 AS improvement,
            dollars
        FROM called
        WHERE individual_id NOT IN
        (
            SELECT individual_id
            FROM born
        )
    )
SELECT
    mutation_type,
    model,
    sum(individual) AS individuals,
    sum(improvement) AS improvements,
    sum(spent.dollars) AS dollars,
    if(improvements = 0, NULL, dollars / improvements) AS dollars_per_improvement
FROM spent
GROUP BY
    mutation_type,
    model
ORDER BY
    dollars_per_improvement NULLS LAST,
    dollars DESC,
    mutation_type,
    model
SETTINGS join_use_nulls = 0
