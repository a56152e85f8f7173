-- Takes the columns of 0005 away again.

ALTER TABLE observations
    DROP COLUMN IF EXISTS usage_pricing_tier_id,
    DROP COLUMN IF EXISTS usage_pricing_tier_name;
