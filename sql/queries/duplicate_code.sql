-- Which programs of a run were evaluated more than once?
-- Printed form: individuals logged without a code_hash count as copies of each other; here they are left out.
-- param run_id: the run
SELECT
    code_hash,
    count() AS count,
    arraySort(groupArray(individual_id)) AS individual_ids
FROM individuals
WHERE run_id = {run_id:String}
    AND code_hash != ''
GROUP BY code_hash
HAVING count > 1
ORDER BY
    count DESC,
    code_hash
