-- After how many evaluations, dollars and seconds did a run reach each new best score?
-- One row for each individual that beat all before it in the order of their timestamps; the last row is the best of the run. Dollars are those
-- of every individual up to then; seconds count from the start of the run, or from its first individual where that is earlier, as after a resume.
-- param run_id: the run
WITH
    evaluated AS
    (
        SELECT
            individual_id,
            generation,
            timestamp,
            mutation_type,
            fitness_score,
            arraySum(arrayFilter(cost -> isFinite(cost), [api_cost, embed_cost, novelty_cost])) AS cost
        FROM individuals
        WHERE run_id = {run_id:String}
        ORDER BY generation
        LIMIT 1 BY individual_id
    ),
    progress AS
    (
        SELECT
            *,
            count() OVER up_to_now AS evaluations,
            sum(cost) OVER up_to_now AS dollars,
            min(timestamp) OVER () AS first_timestamp,
            countIf(isFinite(fitness_score)) OVER before AS scores_before,
            maxIf(fitness_score, isFinite(fitness_score)) OVER before AS best_before
        FROM evaluated
        WINDOW
            up_to_now AS (ORDER BY timestamp, generation, individual_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
            before AS (ORDER BY timestamp, generation, individual_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    (
        SELECT groupArray(start_time)
        FROM evolution_runs
        WHERE run_id = {run_id:String}
    ) AS starts
SELECT
    evaluations,
    generation,
    individual_id,
    mutation_type,
    fitness_score,
    if(scores_before = 0, NULL, fitness_score - best_before) AS gained,
    dollars,
    dateDiff('millisecond', arrayMin(arrayPushBack(starts, first_timestamp)), timestamp) / 1000 AS seconds
FROM progress
WHERE isFinite(fitness_score)
    AND (scores_before = 0 OR fitness_score > best_before)
ORDER BY evaluations
