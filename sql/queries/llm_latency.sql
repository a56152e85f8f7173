-- How long do the calls of each model take?
-- Quantiles are exact and interpolated between the two nearest calls; failed calls are counted and timed apart.
-- param since = '1970-01-01': calls at or after this time; any usual form, in the server's time zone when it names none
-- param until = '2100-01-01': calls before this time
-- param run_id = '': calls of one run; '' for all
WITH
    calls AS
    (
        SELECT
            model,
            error != '' AS is_failed,
            execution_time,
            isFinite(execution_time) AND NOT is_failed AS is_timed,
            isFinite(execution_time) AND is_failed AS is_timed_failure
        FROM llm_logs
        WHERE timestamp >= parseDateTime64BestEffort({since:String}, 3)
            AND timestamp < parseDateTime64BestEffort({until:String}, 3)
            AND ({run_id:String} = '' OR run_id = {run_id:String})
    )
SELECT
    model,
    countIf(NOT is_failed) AS calls,
    quantileExactInclusiveOrNullIf(0.5)(execution_time, is_timed) AS p50_seconds,
    quantileExactInclusiveOrNullIf(0.9)(execution_time, is_timed) AS p90_seconds,
    quantileExactInclusiveOrNullIf(0.99)(execution_time, is_timed) AS p99_seconds,
    maxOrNullIf(execution_time, is_timed) AS max_seconds,
    countIf(is_failed) AS failed,
    quantileExactInclusiveOrNullIf(0.5)(execution_time, is_timed_failure) AS failed_p50_seconds
FROM calls
GROUP BY model
ORDER BY
    p90_seconds DESC NULLS LAST,
    model
