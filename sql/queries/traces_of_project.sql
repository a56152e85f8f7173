-- Which traces does a project have?
-- input and output, which are long, are left out.
-- param project_id = 'default': the project
SELECT
    id,
    timestamp,
    name,
    user_id,
    session_id,
    tags,
    metadata,
    run_id
FROM traces
WHERE project_id = {project_id:String}
ORDER BY
    timestamp,
    id
