-- How long do the calls of each model take?
-- Quantiles are exact and interpolated between the two nearest calls; failed calls are counted and timed apart.
-- param since = '1970-01-01': calls at or after this time; any usual form, in the server's time zone when it names none
-- param until = '2100-01-01': calls before this time
-- param run_id = '': calls of one run; '' for all
SELECT
    model,
    countIf(error = '') AS calls,
    if(countIf(error = '' AND isFinite(execution_time)) = 0, NULL, quantileExactInclusiveIf(0.5)(execution_time, error = '' AND isFinite(execution_time))) AS p50_seconds,
    if(countIf(error = '' AND isFinite(execution_time)) = 0, NULL, quantileExactInclusiveIf(0.9)(execution_time, error = '' AND isFinite(execution_time))) AS p90_seconds,
    if(countIf(error = '' AND isFinite(execution_time)) = 0, NULL, quantileExactInclusiveIf(0.99)(execution_time, error = '' AND isFinite(execution_time))) AS p99_seconds,
    if(countIf(error = '' AND isFinite(execution_time)) = 0, NULL, maxIf(execution_time, error = '' AND isFinite(execution_time))) AS max_seconds,
    countIf(error != '') AS failed,
    if(countIf(error != '' AND isFinite(execution_time)) = 0, NULL, quantileExactInclusiveIf(0.5)(execution_time, error != '' AND isFinite(execution_time))) AS failed_p50_seconds
FROM llm_logs
WHERE timestamp >= parseDateTime64BestEffort({since:String}, 3)
    AND timestamp < parseDateTime64BestEffort({until:String}, 3)
    AND ({run_id:String} = '' OR run_id = {run_id:String})
GROUP BY model
ORDER BY
    p90_seconds DESC NULLS LAST,
    model
