-- Prompts repeat one another: the task, the programs of the archive. Blocks of 16 MiB, and a window as long, let ZSTD find what came before.
-- Parts that are there already take this over when they are merged.

ALTER TABLE llm_logs
    MODIFY COLUMN IF EXISTS messages String CODEC(ZSTD(3, 24)) SETTINGS (min_compress_block_size = 16777216, max_compress_block_size = 16777216),
    MODIFY COLUMN IF EXISTS response String CODEC(ZSTD(3, 24)) SETTINGS (min_compress_block_size = 16777216, max_compress_block_size = 16777216),
    MODIFY COLUMN IF EXISTS thought String CODEC(ZSTD(3, 24)) SETTINGS (min_compress_block_size = 16777216, max_compress_block_size = 16777216);

ALTER TABLE programs_code
    MODIFY COLUMN IF EXISTS code String CODEC(ZSTD(3, 24)) SETTINGS (min_compress_block_size = 16777216, max_compress_block_size = 16777216);
