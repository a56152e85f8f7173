-- Which programs were evaluated more than once, within a run or in several, and what did the repetitions cost?
-- Programs are the same when their code_hash is; individuals without one are left out. wasted_dollars are those of all evaluations but the first.
-- lowest_score and highest_score of one program differ by the noise of the evaluation.
-- param task_name = '': runs of one task; '' for all
-- param limit = 100: how many programs
WITH
    evaluated AS
    (
        SELECT
            run_id,
            individual_id,
            timestamp,
            code_hash,
            fitness_score,
            arraySum(arrayFilter(cost -> isFinite(cost), [api_cost, embed_cost, novelty_cost])) AS dollars
        FROM individuals
        WHERE code_hash != ''
            AND ({task_name:String} = '' OR run_id IN
            (
                SELECT run_id
                FROM evolution_runs
                WHERE task_name = {task_name:String}
            ))
        ORDER BY generation
        LIMIT 1 BY
            run_id,
            individual_id
    )
SELECT
    code_hash,
    count() AS evaluations,
    uniqExact(run_id) AS runs,
    argMin((run_id, individual_id), (timestamp, run_id, individual_id)) AS first_evaluation,
    first_evaluation.1 AS first_run,
    first_evaluation.2 AS first_individual,
    sum(dollars) - argMin(dollars, (timestamp, run_id, individual_id)) AS wasted_dollars,
    if(countIf(isFinite(fitness_score)) = 0, NULL, minIf(fitness_score, isFinite(fitness_score))) AS lowest_score,
    if(countIf(isFinite(fitness_score)) = 0, NULL, maxIf(fitness_score, isFinite(fitness_score))) AS highest_score
FROM evaluated
GROUP BY code_hash
HAVING evaluations > 1
ORDER BY
    wasted_dollars DESC,
    evaluations DESC,
    code_hash
LIMIT {limit:UInt32}
