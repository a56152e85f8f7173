-- From which individuals does the best one of a run descend, and what did they cost?
-- Every ancestor once, the individual itself at depth 0, the oldest first. dollars_so_far adds up the dollars of the rows down to this one.
-- A parent of which the run recorded no individual, such as one of another run, is named with recorded = false.
-- GLOBAL, because the shards of a cluster do not know the walk.
-- param run_id: the run
-- param individual_id = '': another individual than the one with the highest finite fitness_score
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
            [individual_id] AS found,
            [cityHash64(individual_id)] AS visited
        FROM
        (
            SELECT individual_id
            FROM born
            WHERE if({individual_id:String} = '', isFinite(fitness_score), individual_id = {individual_id:String})
            ORDER BY
                fitness_score DESC,
                generation,
                individual_id
            LIMIT 1
        )
        UNION ALL
        SELECT
            walk.depth + 1,
            step.parents,
            arrayConcat(walk.visited, arrayMap(id -> cityHash64(id), step.parents))
        FROM walk
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
                        FROM walk
                    )
            )
            WHERE cityHash64(parent_id) GLOBAL NOT IN
            (
                SELECT arrayJoin(visited)
                FROM walk
            )
        ) AS step
        WHERE notEmpty(step.parents)
    ),
    ancestry AS
    (
        SELECT
            depth,
            arrayJoin(found) AS individual_id
        FROM walk
    ),
    edges AS
    (
        SELECT
            child_id,
            arraySort(groupUniqArray(parent_id)) AS parents
        FROM code_lineages
        WHERE run_id = {run_id:String}
            AND parent_id != ''
        GROUP BY child_id
    )
SELECT
    ancestry.depth AS depth,
    ancestry.individual_id AS individual_id,
    born.recorded AS recorded,
    if(recorded, born.generation, NULL) AS generation,
    edges.parents AS parents,
    born.mutation_type AS mutation_type,
    if(recorded, born.fitness_score, NULL) AS fitness_score,
    born.dollars AS dollars,
    sum(dollars) OVER (ORDER BY recorded, born.generation, depth DESC, individual_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS dollars_so_far
FROM ancestry
LEFT JOIN born ON born.individual_id = ancestry.individual_id
LEFT JOIN edges ON edges.child_id = ancestry.individual_id
ORDER BY
    recorded,
    born.generation,
    depth DESC,
    individual_id
SETTINGS
    max_recursive_cte_evaluation_depth = 1000000,
    join_use_nulls = 0
