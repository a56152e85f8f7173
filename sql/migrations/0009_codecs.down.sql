-- Back to the codec of 0001 and 0008, in blocks of the engine's own size.

ALTER TABLE programs_code
    MODIFY COLUMN IF EXISTS code String CODEC(ZSTD(3));

ALTER TABLE programs_code
    MODIFY COLUMN IF EXISTS code RESET SETTING min_compress_block_size, max_compress_block_size;

ALTER TABLE llm_logs
    MODIFY COLUMN IF EXISTS messages String CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS response String CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS thought String CODEC(ZSTD(3));

ALTER TABLE llm_logs
    MODIFY COLUMN IF EXISTS messages RESET SETTING min_compress_block_size, max_compress_block_size;

ALTER TABLE llm_logs
    MODIFY COLUMN IF EXISTS response RESET SETTING min_compress_block_size, max_compress_block_size;

ALTER TABLE llm_logs
    MODIFY COLUMN IF EXISTS thought RESET SETTING min_compress_block_size, max_compress_block_size;
