-- How many different programs and parents does each generation of a run have?
-- programs counts different code hashes, new_programs those of no earlier generation; individuals without a hash are in individuals only.
-- effective_parents is the inverse of the chance that two children share a parent: far below parents, a few of them took over.
-- param run_id: the run
WITH
    first_seen AS
    (
        SELECT
            min(generation) AS generation,
            code_hash
        FROM individuals
        WHERE run_id = {run_id:String}
            AND code_hash != ''
        GROUP BY code_hash
    ),
    new_programs AS
    (
        SELECT
            generation,
            count() AS programs
        FROM first_seen
        GROUP BY generation
    ),
    born AS
    (
        SELECT
            generation,
            count() AS individuals,
            countIf(code_hash != '') AS hashed,
            uniqExactIf(code_hash, code_hash != '') AS programs
        FROM individuals
        WHERE run_id = {run_id:String}
        GROUP BY generation
    ),
    brood AS
    (
        SELECT
            generation,
            parent_id,
            count() AS children
        FROM code_lineages
        WHERE run_id = {run_id:String}
            AND parent_id != ''
        GROUP BY
            generation,
            parent_id
    ),
    breeders AS
    (
        SELECT
            generation,
            count() AS parents,
            sum(children) * sum(children) / sum(children * children) AS effective
        FROM brood
        GROUP BY generation
    )
SELECT
    born.generation AS generation,
    born.individuals AS individuals,
    born.programs AS programs,
    new_programs.programs AS new_programs,
    born.hashed - born.programs AS copies,
    breeders.parents AS parents,
    if(parents = 0, NULL, breeders.effective) AS effective_parents
FROM born
LEFT JOIN new_programs ON new_programs.generation = born.generation
LEFT JOIN breeders ON breeders.generation = born.generation
ORDER BY generation
SETTINGS join_use_nulls = 0
