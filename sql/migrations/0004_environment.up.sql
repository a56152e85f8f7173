-- Columns that rows are written with from now on: every replica has them before the first such row arrives.

ALTER TABLE traces
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'default',
    ADD COLUMN IF NOT EXISTS run_id String,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32),
    ADD COLUMN IF NOT EXISTS individual_id String,
    ADD COLUMN IF NOT EXISTS deleted_before DateTime64(3)
SETTINGS alter_sync = 2;

ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'default',
    ADD COLUMN IF NOT EXISTS run_id String,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32),
    ADD COLUMN IF NOT EXISTS individual_id String,
    ADD COLUMN IF NOT EXISTS deleted_before DateTime64(3)
SETTINGS alter_sync = 2;

ALTER TABLE scores
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'default',
    ADD COLUMN IF NOT EXISTS run_id String,
    ADD COLUMN IF NOT EXISTS generation Nullable(Int32),
    ADD COLUMN IF NOT EXISTS individual_id String,
    ADD COLUMN IF NOT EXISTS deleted_before DateTime64(3)
SETTINGS alter_sync = 2;

ALTER TABLE dataset_run_items_rmt
    ADD COLUMN IF NOT EXISTS deleted_before DateTime64(3)
SETTINGS alter_sync = 2;

ALTER TABLE blob_storage_file_log
    ADD COLUMN IF NOT EXISTS deleted_before DateTime64(3)
SETTINGS alter_sync = 2;
