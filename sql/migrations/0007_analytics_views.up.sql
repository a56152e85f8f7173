-- Which features a project uses, hour by hour. As documented, the current hour is left out until it is over; whoever wants to
-- see it asks the tables.

CREATE VIEW IF NOT EXISTS analytics_traces AS
SELECT
    project_id,
    toStartOfHour(timestamp) AS hour,
    uniq(id) AS countTraces,
    max(user_id IS NOT NULL) AS hasUsers,
    max(session_id IS NOT NULL) AS hasSessions,
    max(if(environment != 'default', 1, 0)) AS hasEnvironments,
    max(length(tags) > 0) AS hasTags
FROM traces
WHERE toStartOfHour(timestamp) <= toStartOfHour(subtractHours(now(), 1))
GROUP BY
    project_id,
    hour;

CREATE VIEW IF NOT EXISTS analytics_observations AS
SELECT
    project_id,
    type,
    toStartOfHour(start_time) AS hour,
    uniq(id) AS countObservations,
    max(level != 'DEFAULT') AS hasLevel,
    max(provided_model_name IS NOT NULL) AS hasProvidedModelName,
    max(length(provided_usage_details) > 0) AS hasProvidedUsageDetails,
    max(length(provided_cost_details) > 0) AS hasProvidedCostDetails,
    max(prompt_name IS NOT NULL) AS hasPromptName
FROM observations
WHERE toStartOfHour(start_time) <= toStartOfHour(subtractHours(now(), 1))
GROUP BY
    project_id,
    type,
    hour;

CREATE VIEW IF NOT EXISTS analytics_scores AS
SELECT
    project_id,
    toStartOfHour(timestamp) AS hour,
    uniq(id) AS countScores,
    max(source = 'ANNOTATION') AS hasAnnotation,
    max(source = 'API') AS hasApi,
    max(source = 'EVAL') AS hasEval,
    max(observation_id IS NOT NULL) AS hasObservationScore,
    max(session_id IS NOT NULL) AS hasSessionScore,
    max(dataset_run_id IS NOT NULL) AS hasDatasetRunScore,
    max(data_type = 'BOOLEAN') AS hasBoolScore,
    max(data_type = 'NUMERIC') AS hasNumericScore,
    max(data_type = 'CATEGORICAL') AS hasCategoricalScore,
    max(comment IS NOT NULL) AS hasComment
FROM scores
WHERE toStartOfHour(timestamp) <= toStartOfHour(subtractHours(now(), 1))
GROUP BY
    project_id,
    hour;
