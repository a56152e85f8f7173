-- Which LLM calls made an individual?
-- From the calls that carry the run_id and individual_id; observation_id is the id of the same call in observations.
-- The calls are found first, so that the messages of no other call are read.
-- param run_id: the run
-- param individual_id: the individual
SELECT
    timestamp,
    toString(id) AS observation_id,
    trace_id,
    provider,
    model,
    if(isFinite(cost), cost, NULL) AS dollars,
    if(isFinite(execution_time), execution_time, NULL) AS seconds,
    input_tokens,
    output_tokens,
    error,
    messages,
    response
FROM llm_logs
WHERE (timestamp, id) IN
    (
        SELECT
            timestamp,
            id
        FROM llm_logs
        WHERE run_id = {run_id:String}
            AND individual_id = {individual_id:String}
            AND {individual_id:String} != ''
    )
ORDER BY
    timestamp,
    id
