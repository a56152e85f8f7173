-- How much of the space of two objectives has the run's Pareto front covered, generation by generation?
-- The area between the reference point and what was found up to a generation, exact. A generation with gained = 0 moved the front nowhere.
-- Individuals that lack an objective, or have no finite value there, cover nothing; the same holds for those not better than the reference in both.
-- param run_id: the run
-- param objectives: two of fitness_score, combined_score, code_size and the names of metrics_num
-- param reference: a value for each objective that is worse than every one that counts
-- param directions = []: max or min for each objective; none given: max for both
WITH
    arrayResize({directions:Array(String)}, 2, 'max') AS directions,
    evaluated AS
    (
        SELECT
            generation,
            arrayMap((name, bound, direction) -> (multiIf(
                name = 'fitness_score', fitness_score,
                name = 'combined_score', combined_score,
                name = 'code_size', toFloat64(code_size),
                mapContains(metrics_num, name), metrics_num[name],
                nan) - bound) * if(direction = 'min', -1, 1), {objectives:Array(String)}, {reference:Array(Float64)}, directions) AS gain,
            if(isFinite(gain[1]) AND isFinite(gain[2]), greatest(gain[1], 0.), 0.) AS width,
            if(isFinite(gain[1]) AND isFinite(gain[2]), greatest(gain[2], 0.), 0.) AS height
        FROM individuals
        WHERE run_id = {run_id:String}
            AND throwIf(length({objectives:Array(String)}) != 2, 'objectives: give two') = 0
            AND throwIf(length({reference:Array(Float64)}) != 2, 'reference: give a value for each of the two objectives') = 0
            AND throwIf(length({directions:Array(String)}) NOT IN (0, 2), 'directions: give one for each objective, or none') = 0
            AND throwIf(NOT hasAll(['max', 'min'], {directions:Array(String)}), 'directions: each is max or min') = 0
    ),
    fronts AS
    (
        SELECT
            generation,
            width,
            height
        FROM
        (
            SELECT
                generation,
                width,
                height,
                row_number() OVER (PARTITION BY generation ORDER BY width DESC, height DESC) AS place,
                max(height) OVER (PARTITION BY generation ORDER BY width DESC, height DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS higher
            FROM evaluated
        )
        WHERE place = 1
            OR height > higher
    ),
    strips AS
    (
        SELECT
            until.generation AS generation,
            width,
            height,
            max(height) OVER (PARTITION BY until.generation ORDER BY width DESC, height DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
        FROM
        (
            SELECT DISTINCT generation
            FROM fronts
        ) AS until
        CROSS JOIN fronts
        WHERE fronts.generation <= until.generation
    )
SELECT
    generation,
    arraySum(arraySort(groupArrayIf(width * (height - covered), height > covered))) AS hypervolume,
    hypervolume - lagInFrame(hypervolume, 1, 0.) OVER (ORDER BY generation ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gained
FROM strips
GROUP BY generation
ORDER BY generation
