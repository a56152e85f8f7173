-- A column that nothing waits for: replicas take it over in their own time.

ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS usage_pricing_tier_id Nullable(String),
    ADD COLUMN IF NOT EXISTS usage_pricing_tier_name Nullable(String);
