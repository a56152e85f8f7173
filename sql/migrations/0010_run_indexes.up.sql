-- Tables that are sorted by time: what belongs to one run is found without reading the others.

ALTER TABLE llm_logs
    ADD INDEX IF NOT EXISTS idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE agent_actions
    ADD INDEX IF NOT EXISTS idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE traces
    ADD INDEX IF NOT EXISTS idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE observations
    ADD INDEX IF NOT EXISTS idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE scores
    ADD INDEX IF NOT EXISTS idx_run_id run_id TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE llm_logs
    MATERIALIZE INDEX IF EXISTS idx_run_id;

ALTER TABLE agent_actions
    MATERIALIZE INDEX IF EXISTS idx_run_id;

ALTER TABLE traces
    MATERIALIZE INDEX IF EXISTS idx_run_id;

ALTER TABLE observations
    MATERIALIZE INDEX IF EXISTS idx_run_id;

ALTER TABLE scores
    MATERIALIZE INDEX IF EXISTS idx_run_id;
