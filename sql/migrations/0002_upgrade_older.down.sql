-- Takes our columns away again; a table then has the documented columns and its version.

ALTER TABLE evolution_runs
    DROP COLUMN IF EXISTS project_id,
    DROP COLUMN IF EXISTS parent_run_id,
    DROP COLUMN IF EXISTS git_sha,
    DROP COLUMN IF EXISTS git_dirty,
    DROP COLUMN IF EXISTS hostname,
    DROP COLUMN IF EXISTS pid,
    DROP COLUMN IF EXISTS heartbeat_at,
    DROP COLUMN IF EXISTS error,
    DROP COLUMN IF EXISTS tags;

ALTER TABLE generations
    DROP COLUMN IF EXISTS task_name;

ALTER TABLE individuals
    DROP COLUMN IF EXISTS metrics_num;

ALTER TABLE llm_logs
    DROP COLUMN IF EXISTS thought,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id,
    DROP COLUMN IF EXISTS trace_id,
    DROP COLUMN IF EXISTS provider,
    DROP COLUMN IF EXISTS input_tokens,
    DROP COLUMN IF EXISTS output_tokens,
    DROP COLUMN IF EXISTS usage,
    DROP COLUMN IF EXISTS error;

ALTER TABLE agent_actions
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation;
