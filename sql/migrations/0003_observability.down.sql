-- Removes the observability tables with everything in them.

DROP TABLE IF EXISTS blob_storage_file_log;

DROP TABLE IF EXISTS event_log;

DROP TABLE IF EXISTS dataset_run_items_rmt;

DROP TABLE IF EXISTS scores;

DROP TABLE IF EXISTS observations;

DROP TABLE IF EXISTS traces;
