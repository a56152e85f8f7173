-- Which individuals of a run does no other one beat in every objective?
-- An individual that lacks one of the objectives, or has NaN there, is not compared; left_out says how many. Equal ones are all kept.
-- Over the whole run an individual that was logged in several generations counts once, as of the first.
-- param run_id: the run
-- param objectives: fitness_score, combined_score, code_size or names of metrics_num
-- param directions = []: max or min for each objective; none given: max for all
-- param generation = -1: one generation only; -1 for the whole run
WITH
    arrayResize({directions:Array(String)}, length({objectives:Array(String)}), 'max') AS directions,
    born AS
    (
        SELECT
            individual_id,
            generation,
            fitness_score,
            combined_score,
            arrayMap(name -> multiIf(
                name = 'fitness_score', fitness_score,
                name = 'combined_score', combined_score,
                name = 'code_size', toFloat64(code_size),
                mapContains(metrics_num, name), metrics_num[name],
                nan), {objectives:Array(String)}) AS objective_values,
            arrayMap((value, direction) -> if(direction = 'min', -value, value) + 0., objective_values, directions) AS point
        FROM individuals
        WHERE run_id = {run_id:String}
            AND ({generation:Int32} = -1 OR generation = {generation:Int32})
            AND throwIf(length({objectives:Array(String)}) = 0, 'objectives: give at least one') = 0
            AND throwIf(length({directions:Array(String)}) NOT IN (0, length({objectives:Array(String)})), 'directions: give one for each objective, or none') = 0
            AND throwIf(NOT hasAll(['max', 'min'], {directions:Array(String)}), 'directions: each is max or min') = 0
        ORDER BY generation
        LIMIT 1 BY individual_id
    ),
    points AS
    (
        SELECT DISTINCT point
        FROM born
        WHERE NOT arrayExists(value -> isNaN(value), point)
    ),
    ranges AS
    (
        SELECT
            minForEach(point) AS lowest,
            maxForEach(point) AS highest
        FROM points
    ),
    (
        SELECT groupArray(point)
        FROM
        (
            SELECT point
            FROM points
            CROSS JOIN ranges
            ORDER BY arraySum((value, low, high) -> if(high > low, (value - low) / (high - low), 0.), point, lowest, highest) DESC
            LIMIT 32
        )
    ) AS strong,
    candidates AS
    (
        SELECT point
        FROM points
        WHERE NOT arrayExists(rival -> rival != point AND arrayAll((value, other) -> other >= value, point, rival), strong)
    ),
    beaten AS
    (
        SELECT candidates.point
        FROM candidates
        CROSS JOIN candidates AS other
        WHERE arrayAll((value, other_value) -> other_value >= value, candidates.point, other.point)
            AND candidates.point != other.point
    )
SELECT
    individual_id,
    generation,
    fitness_score,
    combined_score,
    objective_values,
    (
        SELECT countIf(arrayExists(value -> isNaN(value), point))
        FROM born
    ) AS left_out
FROM born
WHERE point IN
    (
        SELECT point
        FROM candidates
    )
    AND point NOT IN
    (
        SELECT point
        FROM beaten
    )
ORDER BY
    point DESC,
    generation,
    individual_id
