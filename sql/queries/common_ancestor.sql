-- Which is the most recent common ancestor of two individuals?
-- Of all common ancestors the one of the highest generation; of several there, the one with the fewest steps to both together. An individual
-- counts as its own ancestor. One of which the run recorded no individual is the last choice, with recorded = false. No row: there is none.
-- GLOBAL, because the shards of a cluster do not know the walk.
-- param run_id: the run
-- param first: an individual
-- param second: another one
WITH RECURSIVE
    born AS
    (
        SELECT
            individual_id,
            generation,
            fitness_score,
            true AS recorded
        FROM individuals
        WHERE run_id = {run_id:String}
        ORDER BY generation
        LIMIT 1 BY individual_id
    ),
    first_walk AS
    (
        SELECT
            toUInt32(0) AS depth,
            [{first:String}] AS found,
            [cityHash64({first:String})] AS visited
        WHERE {first:String} != ''
        UNION ALL
        SELECT
            first_walk.depth + 1,
            step.parents,
            arrayConcat(first_walk.visited, arrayMap(id -> cityHash64(id), step.parents))
        FROM first_walk
        CROSS JOIN
        (
            SELECT groupArray(parent_id) AS parents
            FROM
            (
                SELECT DISTINCT parent_id
                FROM code_lineages
                WHERE run_id = {run_id:String}
                    AND parent_id != ''
                    AND child_id GLOBAL IN
                    (
                        SELECT arrayJoin(found)
                        FROM first_walk
                    )
            )
            WHERE cityHash64(parent_id) GLOBAL NOT IN
            (
                SELECT arrayJoin(visited)
                FROM first_walk
            )
        ) AS step
        WHERE notEmpty(step.parents)
    ),
    second_walk AS
    (
        SELECT
            toUInt32(0) AS depth,
            [{second:String}] AS found,
            [cityHash64({second:String})] AS visited
        WHERE {second:String} != ''
        UNION ALL
        SELECT
            second_walk.depth + 1,
            step.parents,
            arrayConcat(second_walk.visited, arrayMap(id -> cityHash64(id), step.parents))
        FROM second_walk
        CROSS JOIN
        (
            SELECT groupArray(parent_id) AS parents
            FROM
            (
                SELECT DISTINCT parent_id
                FROM code_lineages
                WHERE run_id = {run_id:String}
                    AND parent_id != ''
                    AND child_id GLOBAL IN
                    (
                        SELECT arrayJoin(found)
                        FROM second_walk
                    )
            )
            WHERE cityHash64(parent_id) GLOBAL NOT IN
            (
                SELECT arrayJoin(visited)
                FROM second_walk
            )
        ) AS step
        WHERE notEmpty(step.parents)
    ),
    first_side AS
    (
        SELECT
            depth,
            arrayJoin(found) AS individual_id
        FROM first_walk
    ),
    second_side AS
    (
        SELECT
            depth,
            arrayJoin(found) AS individual_id
        FROM second_walk
    )
SELECT
    first_side.individual_id AS individual_id,
    born.recorded AS recorded,
    if(recorded, born.generation, NULL) AS generation,
    if(recorded, born.fitness_score, NULL) AS fitness_score,
    first_side.depth AS steps_to_first,
    second_side.depth AS steps_to_second
FROM first_side
INNER JOIN second_side ON second_side.individual_id = first_side.individual_id
LEFT JOIN born ON born.individual_id = first_side.individual_id
ORDER BY
    recorded DESC,
    born.generation DESC,
    steps_to_first + steps_to_second,
    individual_id
LIMIT 1
SETTINGS
    max_recursive_cte_evaluation_depth = 1000000,
    join_use_nulls = 0
