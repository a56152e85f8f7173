-- How many tokens of which kind did each model use, and what did they cost?
-- From the observations with a usage or a cost. The row total of a model is the sum of its buckets without a dot; its dollars are all that is known,
-- also of calls whose cost is not divided. A bucket "whole.part" is counted in its whole already. tokens and dollars are NULL where none are known.
-- param run_id = '': observations of one run; '' for all
-- param since = '1970-01-01': observations that began at or after this time; any usual form, in the server's time zone when it names none
-- param until = '2100-01-01': observations that began before this time
WITH
    calls AS
    (
        SELECT
            coalesce(provided_model_name, internal_model_id, '') AS model,
            mapFilter((bucket, tokens) -> bucket != 'total' AND bucket != 'total.provided', usage_details) AS parts,
            multiIf(
                notEmpty(parts), toNullable(arraySum(mapValues(mapFilter((bucket, tokens) -> position(bucket, '.') = 0, parts)))),
                mapContains(usage_details, 'total'), usage_details['total'],
                NULL) AS total_tokens,
            cost_details,
            total_cost
        FROM observations
        WHERE (notEmpty(usage_details) OR total_cost IS NOT NULL)
            AND start_time >= parseDateTime64BestEffort({since:String}, 3)
            AND start_time < parseDateTime64BestEffort({until:String}, 3)
            AND ({run_id:String} = '' OR run_id = {run_id:String})
    ),
    buckets AS
    (
        SELECT
            model,
            arrayJoin(arrayDistinct(arrayConcat(
                mapKeys(parts),
                arrayFilter(bucket -> bucket != 'total', mapKeys(cost_details))))) AS bucket,
            if(mapContains(parts, bucket), parts[bucket], NULL) AS tokens,
            if(mapContains(cost_details, bucket), cost_details[bucket], NULL) AS cost
        FROM calls
        UNION ALL
        SELECT
            model,
            'total' AS bucket,
            total_tokens AS tokens,
            total_cost AS cost
        FROM calls
    )
SELECT
    model,
    bucket,
    count() AS calls,
    sum(tokens) AS tokens,
    sum(cost) AS dollars
FROM buckets
GROUP BY
    model,
    bucket
ORDER BY
    model,
    bucket = 'total' DESC,
    bucket
