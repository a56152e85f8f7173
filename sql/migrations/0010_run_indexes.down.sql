-- Takes the indexes away again.

ALTER TABLE scores
    DROP INDEX IF EXISTS idx_run_id;

ALTER TABLE observations
    DROP INDEX IF EXISTS idx_run_id;

ALTER TABLE traces
    DROP INDEX IF EXISTS idx_run_id;

ALTER TABLE agent_actions
    DROP INDEX IF EXISTS idx_run_id;

ALTER TABLE llm_logs
    DROP INDEX IF EXISTS idx_run_id;
