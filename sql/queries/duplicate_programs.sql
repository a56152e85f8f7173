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
    ),
    programs AS
    (
        SELECT
            code_hash,
            uniqExact(run_id) AS runs,
            arraySort(groupArray((timestamp, run_id, individual_id, dollars))) AS evaluations,
            minOrNullIf(fitness_score, isFinite(fitness_score)) AS lowest_score,
            maxOrNullIf(fitness_score, isFinite(fitness_score)) AS highest_score
        FROM evaluated
        GROUP BY code_hash
        HAVING count() > 1
    )
SELECT
    code_hash,
    length(programs.evaluations) AS evaluations,
    runs,
    programs.evaluations[1].2 AS first_run,
    programs.evaluations[1].3 AS first_individual,
    arraySum(arrayPopFront(programs.evaluations.4)) AS wasted_dollars,
    lowest_score,
    highest_score
FROM programs
ORDER BY
    wasted_dollars DESC,
    evaluations DESC,
    code_hash
LIMIT {limit:UInt32}
