-- What came of an individual?
-- Every descendant once, with the fewest steps that lead to it. is_best marks the one with the highest finite fitness_score.
-- A child of which the run recorded no individual is named with recorded = false.
-- GLOBAL, because the shards of a cluster do not know the walk.
-- param run_id: the run
-- param individual_id: the individual to begin with; it is no descendant of its own
WITH RECURSIVE
    born AS
    (
        SELECT
            individual_id,
            generation,
            mutation_type,
            fitness_score,
            arraySum(arrayFilter(cost -> isFinite(cost), [api_cost, embed_cost, novelty_cost])) AS dollars,
            true AS recorded
        FROM individuals
        WHERE run_id = {run_id:String}
        ORDER BY generation
        LIMIT 1 BY individual_id
    ),
    walk AS
    (
        SELECT
            toUInt32(0) AS depth,
            [{individual_id:String}] AS found,
            [cityHash64({individual_id:String})] AS visited
        WHERE {individual_id:String} != ''
        UNION ALL
        SELECT
            walk.depth + 1,
            step.children,
            arrayConcat(walk.visited, arrayMap(id -> cityHash64(id), step.children))
        FROM walk
        CROSS JOIN
        (
            SELECT groupArray(child_id) AS children
            FROM
            (
                SELECT DISTINCT child_id
                FROM code_lineages
                WHERE run_id = {run_id:String}
                    AND parent_id GLOBAL IN
                    (
                        SELECT arrayJoin(found)
                        FROM walk
                    )
            )
            WHERE cityHash64(child_id) GLOBAL NOT IN
            (
                SELECT arrayJoin(visited)
                FROM walk
            )
        ) AS step
        WHERE notEmpty(step.children)
    ),
    progeny AS
    (
        SELECT
            depth,
            arrayJoin(found) AS individual_id
        FROM walk
        WHERE depth > 0
    )
SELECT
    progeny.depth AS depth,
    progeny.individual_id AS individual_id,
    born.recorded AS recorded,
    if(recorded, born.generation, NULL) AS generation,
    born.mutation_type AS mutation_type,
    if(recorded, born.fitness_score, NULL) AS fitness_score,
    born.dollars AS dollars,
    recorded
        AND isFinite(born.fitness_score)
        AND row_number() OVER (ORDER BY recorded AND isFinite(born.fitness_score) DESC, born.fitness_score DESC, born.generation, individual_id) = 1 AS is_best
FROM progeny
LEFT JOIN born ON born.individual_id = progeny.individual_id
ORDER BY
    depth,
    born.generation,
    individual_id
SETTINGS
    max_recursive_cte_evaluation_depth = 1000000,
    join_use_nulls = 0
