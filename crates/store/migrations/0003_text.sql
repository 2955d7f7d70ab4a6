-- The text protocols: options of platform models, keys that may use the response cache, and stored responses. The same on both engines.

-- JSON of a `PlatformModelOptions`.
ALTER TABLE platform_models ADD COLUMN options TEXT NOT NULL DEFAULT '{}';

-- Whether the key's calls may be answered from the response cache of a model that has one.
ALTER TABLE api_keys ADD COLUMN response_cache BOOLEAN NOT NULL DEFAULT FALSE;

-- A stored response is a recorded answer with these: its public id, the response before it, and its own input items (zstd).
ALTER TABLE answers ADD COLUMN response_id TEXT;
ALTER TABLE answers ADD COLUMN previous_response_id TEXT;
ALTER TABLE answers ADD COLUMN input BYTEA;
ALTER TABLE answers ADD COLUMN input_bytes BIGINT;    -- before compression
CREATE INDEX answers_response_id ON answers (response_id);
