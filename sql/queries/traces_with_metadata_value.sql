-- Which traces of a project have a value in their metadata, under whatever key?
-- param value = 'production': the value
-- param project_id = 'default': the project
SELECT
    id,
    timestamp,
    name,
    arraySort(arrayFilter(key -> metadata[key] = {value:String}, mapKeys(metadata))) AS keys
FROM traces
WHERE project_id = {project_id:String}
    AND has(mapValues(metadata), {value:String})
ORDER BY
    timestamp,
    id
