-- What is the newest version of each trace, without FINAL?
-- Printed form: a filter on is_deleted before the grouping brings deleted traces back, as the version before; and argMax() passes over NULL, so a value that was taken back stays.
-- param project_id = 'default': the project
SELECT
    id,
    tupleElement(argMax(tuple(name), event_ts), 1) AS name,
    tupleElement(argMax(tuple(user_id), event_ts), 1) AS user_id,
    tupleElement(argMax(tuple(session_id), event_ts), 1) AS session_id,
    tupleElement(argMax(tuple(tags), event_ts), 1) AS tags
FROM traces
WHERE project_id = {project_id:String}
GROUP BY
    project_id,
    id
HAVING argMax(is_deleted, event_ts) = 0
ORDER BY id
SETTINGS final = 0
