-- Drops the indexes of 0006.

ALTER TABLE observations
    DROP INDEX IF EXISTS idx_res_metadata_value;

ALTER TABLE observations
    DROP INDEX IF EXISTS idx_res_metadata_key;
