-- What did the calls of each model cost, in dollars and in time?
-- Printed form: one cost of NaN, of a call whose price was not known, makes the sum and the mean of its model NaN.
-- Numbers that are not finite are left out of sums and means; a model of which no price is known has NULL.
-- param run_id = '': the run; '' is all calls, also those outside of a run
SELECT
    model,
    count() AS calls,
    sumOrNullIf(cost, isFinite(cost)) AS total_cost,
    avgOrNullIf(cost, isFinite(cost)) AS avg_cost_per_call,
    avgOrNullIf(execution_time, isFinite(execution_time)) AS avg_time,
    sumOrNullIf(execution_time, isFinite(execution_time)) AS total_time_seconds
FROM llm_logs
WHERE {run_id:String} = ''
    OR run_id = {run_id:String}
GROUP BY model
ORDER BY
    total_cost DESC,
    model
