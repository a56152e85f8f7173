-- Which traces of a project have a key in their metadata?
-- Printed form: metadata['environment'] is '' where the key is missing, and never NULL, so every trace is found.
-- param key = 'environment': the key
-- param project_id = 'default': the project
SELECT
    id,
    timestamp,
    name,
    metadata[{key:String}] AS value
FROM traces
WHERE project_id = {project_id:String}
    AND mapContains(metadata, {key:String})
ORDER BY
    timestamp,
    id
