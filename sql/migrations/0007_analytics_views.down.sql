-- Drops the views of 0007.

DROP VIEW IF EXISTS analytics_scores;

DROP VIEW IF EXISTS analytics_observations;

DROP VIEW IF EXISTS analytics_traces;
