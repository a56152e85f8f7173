-- Takes the columns of 0004 away again.

ALTER TABLE blob_storage_file_log
    DROP COLUMN IF EXISTS deleted_before
SETTINGS alter_sync = 2;

ALTER TABLE dataset_run_items_rmt
    DROP COLUMN IF EXISTS deleted_before
SETTINGS alter_sync = 2;

ALTER TABLE scores
    DROP COLUMN IF EXISTS environment,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id,
    DROP COLUMN IF EXISTS deleted_before
SETTINGS alter_sync = 2;

ALTER TABLE observations
    DROP COLUMN IF EXISTS environment,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id,
    DROP COLUMN IF EXISTS deleted_before
SETTINGS alter_sync = 2;

ALTER TABLE traces
    DROP COLUMN IF EXISTS environment,
    DROP COLUMN IF EXISTS run_id,
    DROP COLUMN IF EXISTS generation,
    DROP COLUMN IF EXISTS individual_id,
    DROP COLUMN IF EXISTS deleted_before
SETTINGS alter_sync = 2;
