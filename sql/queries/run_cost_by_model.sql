-- Which model cost what in each generation of a run?
-- From the LLM calls that carry the run's run_id; generation is NULL where a call names none. A cost that is not finite is unknown, not 0;
-- dollars and tokens are NULL where no call told them.
-- param run_id: the run
SELECT
    generation,
    model,
    count() AS calls,
    countIf(error != '') AS failed,
    sumOrNullIf(cost, isFinite(cost)) AS dollars,
    countIf(NOT isFinite(cost)) AS calls_of_unknown_cost,
    sum(llm_logs.input_tokens) AS input_tokens,
    sum(llm_logs.output_tokens) AS output_tokens
FROM llm_logs
WHERE run_id = {run_id:String}
GROUP BY
    generation,
    model
ORDER BY
    generation NULLS FIRST,
    dollars DESC NULLS LAST,
    model
