-- Limits, capabilities, settings of models, names of credentials, and whole policies. The same on both engines.

-- JSON of a `LimitSet`; `{}` limits nothing.
ALTER TABLE groups ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE accounts ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE api_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE platforms ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE credentials ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE platform_models ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';

-- JSON array; none: nobody said, and it is asked for anything.
ALTER TABLE platform_models ADD COLUMN capabilities TEXT;
-- JSON of a `ModelSettings`: fallbacks, stickiness.
ALTER TABLE models ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- What people call it; none: by its place.
ALTER TABLE credentials ADD COLUMN name TEXT;

-- A policy set was its retry policy, a runner policy its failover policy; now each is one part of a whole.
UPDATE policy_sets SET policy = '{"retry":' || policy || '}';
UPDATE runner_policies SET policy = '{"failover":' || policy || '}';

-- What a limiter in memory had counted when its process ended. One row.
CREATE TABLE limit_state (
    id BIGINT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,                        -- JSON
    saved_at BIGINT NOT NULL
);
