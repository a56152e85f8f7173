-- Takes the columns of 0004 away again.

ALTER TABLE scores
    DROP COLUMN IF EXISTS environment,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id
SETTINGS alter_sync = 2;

ALTER TABLE observations
    DROP COLUMN IF EXISTS environment,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id
SETTINGS alter_sync = 2;

ALTER TABLE traces
    DROP COLUMN IF EXISTS environment,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id
SETTINGS alter_sync = 2;
