-- What are two metrics of the members of a run's Pareto fronts?
-- Printed form: JSONExtractFloat gives 0 for a metric that is missing, and for a nested one such as public.accuracy; here NULL for the first, and the number for the second.
-- Of a generation that a resumed run repeats, the later front counts.
-- param run_id: the run
-- param x = 'accuracy': a metric, dotted when it is nested
-- param y = 'size': another one
WITH
    (
        SELECT max(start_time)
        FROM evolution_runs
        WHERE run_id = {run_id:String}
    ) AS last_start,
    if(JSONHas(metrics, {x:String}), JSONExtractRaw(metrics, {x:String}), arrayFold((json, key) -> JSONExtractRaw(json, key), splitByChar('.', {x:String}), metrics)) AS json_x,
    if(JSONHas(metrics, {y:String}), JSONExtractRaw(metrics, {y:String}), arrayFold((json, key) -> JSONExtractRaw(json, key), splitByChar('.', {y:String}), metrics)) AS json_y
SELECT
    generation,
    individual_id,
    if(JSONType(json_x) IN ('Double', 'Int64', 'UInt64'), JSONExtract(json_x, 'Nullable(Float64)'), NULL) AS x,
    if(JSONType(json_y) IN ('Double', 'Int64', 'UInt64'), JSONExtract(json_y, 'Nullable(Float64)'), NULL) AS y
FROM
(
    SELECT
        *,
        max(timestamp) OVER (PARTITION BY generation) AS newest
    FROM pareto_fronts
    WHERE run_id = {run_id:String}
)
WHERE timestamp >= last_start
    OR newest < last_start
ORDER BY
    generation,
    x DESC,
    individual_id
