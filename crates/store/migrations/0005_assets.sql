-- What was generated, or given to generate from, and is kept: a row each; the bytes are in a folder or a bucket. The same on both engines.

CREATE TABLE assets (
    id UUID NOT NULL PRIMARY KEY,               -- a function of task, role and position: stored again, it is the same row
    task_id UUID NOT NULL,
    account_id UUID NOT NULL,
    role TEXT NOT NULL,                         -- result, thumbnail or input
    position BIGINT NOT NULL,                   -- among those of its task and role, from 0
    sha256 BYTEA NOT NULL,
    size_bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,                   -- by its bytes, not by what its server said
    width BIGINT,
    height BIGINT,
    duration_ms BIGINT,
    object_key TEXT NOT NULL,                   -- under the folder, or under the bucket's prefix
    created_at BIGINT NOT NULL,
    expires_at BIGINT,                          -- none: kept until somebody deletes it
    deleted_at BIGINT                           -- when its bytes were gone
);
CREATE INDEX assets_by_task ON assets (task_id);
CREATE INDEX assets_due ON assets (expires_at, id) WHERE deleted_at IS NULL AND expires_at IS NOT NULL;
