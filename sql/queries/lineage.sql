-- From which individuals does one descend?
-- Printed form: it follows an individual of that name in every run, without end around a cycle, and repeats an ancestor once for every path to it, which are 2^n after n generations of two parents.
-- One row for each parent of each ancestor; distance is the least number of steps from the individual.
-- param run_id: the run
-- param individual_id = '': the individual; '' is the one of the run that scored highest
WITH RECURSIVE
    wanted AS
    (
        SELECT id
        FROM
        (
            SELECT individual_id AS id
            FROM individuals
            WHERE run_id = {run_id:String}
                AND {individual_id:String} = ''
                AND isFinite(fitness_score)
            ORDER BY
                fitness_score DESC,
                generation,
                individual_id
            LIMIT 1
        )
        UNION ALL
        SELECT {individual_id:String} AS id
        WHERE {individual_id:String} != ''
    ),
    steps AS
    (
        SELECT
            0 AS distance,
            [id] AS found,
            [id] AS seen
        FROM wanted
        UNION ALL
        SELECT
            distance + 1 AS distance,
            parents AS found,
            arrayConcat(seen, parents) AS seen
        FROM
        (
            SELECT
                step.distance AS distance,
                step.seen AS seen,
                groupUniqArray(parent_id) AS parents
            FROM
            (
                SELECT
                    distance,
                    seen,
                    arrayJoin(found) AS id
                FROM steps
            ) AS step
            INNER JOIN code_lineages ON code_lineages.child_id = step.id
            WHERE run_id = {run_id:String}
                AND parent_id != ''
                AND NOT has(step.seen, parent_id)
            GROUP BY
                step.distance,
                step.seen
        )
    ),
    ancestors AS
    (
        SELECT
            arrayJoin(found) AS id,
            distance
        FROM steps
    )
SELECT
    ancestors.id AS id,
    parent_id,
    generation,
    mutation_type,
    fitness_delta,
    edit_summary,
    distance
FROM code_lineages
INNER JOIN ancestors ON ancestors.id = code_lineages.child_id
WHERE run_id = {run_id:String}
ORDER BY
    generation,
    id,
    parent_id
SETTINGS max_recursive_cte_evaluation_depth = 1000000
