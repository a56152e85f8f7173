-- The texts of programs, each once however often it was evaluated; individuals.code_hash leads here.

CREATE TABLE IF NOT EXISTS programs_code
(
    code_hash String,
    code String CODEC(ZSTD(3)),
    _ts DateTime64(6) EPHEMERAL now64(6),
    event_ts DateTime64(6) MATERIALIZED _ts
)
ENGINE = ReplacingMergeTree(event_ts)
ORDER BY code_hash;
