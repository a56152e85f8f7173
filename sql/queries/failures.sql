-- What goes wrong, how often, and since when?
-- Errors of runs, of LLM calls, and of actions whose type ends in "failed". Of a traceback the last line counts, of other texts the first. Numbers,
-- addresses, ids and paths in it become <n>, <address>, <id> and <path>, so that one cause is one row; example is the newest text as it was.
-- param run_id = '': failures of one run; '' for all
-- param since = '1970-01-01': failures at or after this time; any usual form, in the server's time zone when it names none
-- param until = '2100-01-01': failures before this time
-- param limit = 100: how many causes
WITH
    failures AS
    (
        SELECT
            'run' AS source,
            run_id,
            greatest(start_time, end_time) AS time,
            error AS text
        FROM evolution_runs
        WHERE error != ''
        UNION ALL
        SELECT
            'llm call' AS source,
            run_id,
            timestamp AS time,
            error AS text
        FROM llm_logs
        WHERE error != ''
            AND timestamp >= parseDateTime64BestEffort({since:String}, 3)
            AND timestamp < parseDateTime64BestEffort({until:String}, 3)
        UNION ALL
        SELECT
            action_type AS source,
            run_id,
            timestamp AS time,
            arrayFirst(found -> found != '', [
                JSONExtractString(details, 'error'),
                JSONExtractString(details, 'message'),
                JSONExtractString(details, 'reason'),
                details]) AS text
        FROM agent_actions
        WHERE endsWith(action_type, 'failed')
            AND timestamp >= parseDateTime64BestEffort({since:String}, 3)
            AND timestamp < parseDateTime64BestEffort({until:String}, 3)
    ),
    lines AS
    (
        SELECT
            *,
            arrayFilter(line -> line != '', arrayMap(line -> trimBoth(line), splitByChar('\n', text))) AS found,
            if(position(text, 'Traceback (most recent call last)') > 0, found[-1], found[1]) AS line
        FROM failures
        WHERE ({run_id:String} = '' OR run_id = {run_id:String})
            AND time >= parseDateTime64BestEffort({since:String}, 3)
            AND time < parseDateTime64BestEffort({until:String}, 3)
    ),
    causes AS
    (
        SELECT
            *,
            replaceRegexpAll(line, '0[xX][0-9a-fA-F]+', '<address>') AS without_addresses,
            replaceRegexpAll(without_addresses, '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}', '<id>') AS without_uuids,
            replaceRegexpAll(
                without_uuids,
                '(^|[\\s\'\x22(\\[=,:])(([A-Za-z]:\\\\|~/|\\.{0,2}/)[^\\s\'\x22,:\\x3b()<>]+|[\\w.-]+(/[\\w.-]+){2,})',
                '\\1<path>') AS without_paths,
            replaceRegexpAll(without_paths, '\\b[0-9a-f]{12,}\\b', '<id>') AS without_hashes,
            replaceRegexpAll(without_hashes, '[0-9]+([.,][0-9]+)*', '<n>') AS without_numbers,
            substringUTF8(replaceRegexpAll(without_numbers, '\\s+', ' '), 1, 200) AS cause
        FROM lines
    )
SELECT
    source,
    cause,
    count() AS occurrences,
    uniqExactIf(run_id, run_id != '') AS runs,
    min(time) AS first_seen,
    max(time) AS last_seen,
    argMax(text, (time, text)) AS example
FROM causes
GROUP BY
    source,
    cause
ORDER BY
    occurrences DESC,
    last_seen DESC,
    source,
    cause
LIMIT {limit:UInt32}
