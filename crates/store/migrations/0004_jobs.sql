-- Tasks that go on without their callers: what was asked, who works on it, and what of it is at a provider. The same on both engines.

CREATE TABLE jobs (
    task_id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL,
    state TEXT NOT NULL,                        -- queued, running, submitting, polling, ended
    priority BIGINT NOT NULL,                   -- the greater goes first
    node_id UUID,                               -- who works on it; alive as long as it holds its lock (see nodes.rs)
    fence BIGINT NOT NULL,                      -- moves each time that somebody takes it on: whoever had it before can't write
    next_at BIGINT NOT NULL,                    -- not before
    deadline BIGINT,                            -- given up then
    attempt BIGINT NOT NULL,                    -- of the submission, within the task
    platform_model_id UUID,
    credential_id UUID,
    submitted_at BIGINT,
    upstream_job_id TEXT,
    asked TEXT,                                 -- JSON of a Usage: billed where the provider says nothing
    trace TEXT,                                 -- JSON: candidates, decisions; the task's own at its end
    cancel_requested_at BIGINT
);
CREATE INDEX jobs_queued ON jobs (priority, task_id) WHERE state = 'queued';
CREATE INDEX jobs_open ON jobs (node_id) WHERE state <> 'ended';

-- What was asked, for whoever works on it.
CREATE TABLE task_requests (
    task_id UUID NOT NULL PRIMARY KEY,
    content_type TEXT NOT NULL,
    head TEXT NOT NULL,                         -- JSON of a RequestHead
    body BYTEA NOT NULL,                        -- zstd
    size_bytes BIGINT NOT NULL                  -- of the body before compression
);

-- Since when its owner does not want to see it any more; the books do.
ALTER TABLE tasks ADD COLUMN deleted_at BIGINT;
