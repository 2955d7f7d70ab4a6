-- The first schema, one text for SQLite and PostgreSQL. What differs stands in `0001_initial.<engine>.sql`.
--
-- Ids UUID (a 16-byte BLOB on SQLite), money and counters BIGINT (nano-units), time BIGINT (microseconds since the epoch),
-- JSON kept verbatim TEXT. Ids are UUIDv7, so an index on an id is an index on the time of creation.
--
-- Tables that grow (tasks, attempts, task_events, answers, ledger_entries) have no foreign keys: a check for each row would cost
-- more than the row, and the journal is their only writer. `easyai ledger verify` looks for what a foreign key would forbid.

CREATE TABLE groups (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    price_multiplier BIGINT NOT NULL,           -- millionths
    models TEXT NOT NULL,                       -- JSON array of names
    source TEXT NOT NULL,                       -- who owns the row: file or admin
    created_at BIGINT NOT NULL
);

CREATE TABLE accounts (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    group_id UUID NOT NULL REFERENCES groups (id),
    source TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,                 -- HMAC-SHA256 of the key
    hint TEXT NOT NULL,                         -- the first characters, for people
    models TEXT NOT NULL,                       -- JSON array of names
    run_mode TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX api_keys_by_account ON api_keys (account_id);

CREATE TABLE platforms (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    base_url TEXT NOT NULL,
    priority BIGINT NOT NULL,
    proxy BYTEA,                                -- sealed: it may carry a password; the text `none` means direct
    timeouts TEXT NOT NULL,                     -- JSON
    options TEXT NOT NULL,                      -- JSON
    test_mode BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE credentials (
    id UUID NOT NULL PRIMARY KEY,
    platform_id UUID NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,                   -- its place in the platform's list
    weight BIGINT NOT NULL,
    origin TEXT NOT NULL,                       -- where the secret came from, such as env:OPENAI_API_KEY
    secret BYTEA NOT NULL,                      -- sealed, with the row's id as additional data
    created_at BIGINT NOT NULL,
    UNIQUE (platform_id, position)
);

CREATE TABLE models (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    strategy TEXT NOT NULL,
    source TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE policy_sets (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    policy TEXT NOT NULL,                       -- JSON
    source TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE platform_models (
    id UUID NOT NULL PRIMARY KEY,
    platform_id UUID NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
    model_id UUID NOT NULL REFERENCES models (id),
    upstream_name TEXT NOT NULL,
    model_types TEXT NOT NULL,                  -- JSON array
    price_id UUID,                              -- the version in force; none serves nobody
    weight BIGINT NOT NULL,
    priority BIGINT,
    context_tokens BIGINT,
    max_output_tokens BIGINT,
    policy_set_id UUID REFERENCES policy_sets (id),
    overrides TEXT NOT NULL,                    -- JSON
    source TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (platform_id, model_id)
);

-- Immutable versions; kept when their platform model is gone, since charges name them.
CREATE TABLE prices (
    id UUID NOT NULL PRIMARY KEY,
    platform_model_id UUID NOT NULL,
    price TEXT NOT NULL,                        -- JSON
    cost TEXT,                                  -- JSON
    source TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX prices_by_platform_model ON prices (platform_model_id);

-- Versions; one is active.
CREATE TABLE runner_policies (
    id UUID NOT NULL PRIMARY KEY,
    policy TEXT NOT NULL,                       -- JSON
    active BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- One row: the revision that moves with every change of what a node keeps in memory (catalogue, accounts, keys).
CREATE TABLE catalog_state (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL
);
INSERT INTO catalog_state (id, revision) VALUES (1, 0);

CREATE TABLE catalog_revisions (
    revision BIGINT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    document TEXT NOT NULL,                     -- what was applied, without secrets
    created_at BIGINT NOT NULL
);

CREATE TABLE wallets (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id),
    balance BIGINT NOT NULL,                    -- the sum of its entries; may fall below zero when an answer exceeded its hold
    held BIGINT NOT NULL CHECK (held >= 0)      -- the sum of the holds of its unfinished tasks
);

-- Append-only (see the triggers). Each row moves `amount` from the book `debit` to the book `credit`, so the books always balance;
-- one of the two is the wallet of the account.
CREATE TABLE ledger_entries (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL,
    kind TEXT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    task_id UUID,
    price_id UUID,
    note TEXT,
    created_at BIGINT NOT NULL,
    CHECK (debit <> credit AND (debit = 'wallet' OR credit = 'wallet'))
);
CREATE UNIQUE INDEX ledger_entries_once ON ledger_entries (task_id, kind) WHERE task_id IS NOT NULL;
CREATE INDEX ledger_entries_by_account ON ledger_entries (account_id, id);

CREATE TABLE tasks (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL,
    key_id UUID NOT NULL,
    node_id UUID NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    model_type TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    simulated BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    platform_model_id UUID NOT NULL,            -- the first candidate
    platform TEXT NOT NULL,                     -- its platform's name
    hold BIGINT NOT NULL CHECK (hold >= 0),     -- set aside while the task is unfinished; kept afterwards as a record
    input_tokens BIGINT NOT NULL,               -- estimated
    expected_output_tokens BIGINT NOT NULL,
    price_id UUID NOT NULL,
    catalog_revision BIGINT NOT NULL,
    runner_policy_id UUID NOT NULL,
    idempotency_key TEXT,
    body_hash BYTEA,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    code TEXT,
    message TEXT,
    usage TEXT,                                 -- JSON; of an unfinished task: the last checkpoint
    bill TEXT,                                  -- JSON; of an unfinished task: the last checkpoint
    charge BIGINT,                              -- what was booked; only of finished tasks
    cost BIGINT,                                -- what the platform charges the operator, if known
    attempts BIGINT NOT NULL,
    served_by UUID,
    upstream_request_id TEXT,
    trace TEXT                                  -- JSON: candidates, decisions
);
CREATE INDEX tasks_by_account ON tasks (account_id, id);
CREATE INDEX tasks_unfinished ON tasks (node_id) WHERE status IN ('queued', 'running');
CREATE UNIQUE INDEX tasks_by_idempotency_key ON tasks (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE attempts (
    task_id UUID NOT NULL,
    number BIGINT NOT NULL,
    id UUID NOT NULL,
    platform_model_id UUID NOT NULL,
    platform TEXT NOT NULL,
    status TEXT NOT NULL,
    category TEXT,
    code TEXT,
    http_status BIGINT,
    message TEXT,
    sent TEXT,
    upstream_request_id TEXT,
    started_at BIGINT NOT NULL,
    first_delta_ms BIGINT,
    duration_ms BIGINT,
    trace TEXT,                                 -- JSON: the decision after it
    PRIMARY KEY (task_id, number)
);

-- The events of one commit share a row; `first_seq` is the number of its first.
CREATE TABLE task_events (
    task_id UUID NOT NULL,
    first_seq BIGINT NOT NULL,
    events TEXT NOT NULL,                       -- JSON array
    PRIMARY KEY (task_id, first_seq)
);

-- What a caller got, for the same Idempotency-Key again.
CREATE TABLE answers (
    task_id UUID NOT NULL PRIMARY KEY,
    status BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    body BYTEA NOT NULL,                        -- zstd
    size_bytes BIGINT NOT NULL                  -- of the body before compression
);

CREATE TABLE candidate_state (
    subject_id UUID NOT NULL PRIMARY KEY,       -- a platform, a platform model or a credential
    scope TEXT NOT NULL,
    state TEXT NOT NULL,                        -- JSON
    updated_at BIGINT NOT NULL
);

CREATE TABLE audit_log (
    id UUID NOT NULL PRIMARY KEY,
    actor TEXT NOT NULL,
    origin TEXT NOT NULL,                       -- from where: an address, or the command line
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT,                                -- JSON
    after TEXT,                                 -- JSON
    created_at BIGINT NOT NULL
);

CREATE TABLE nodes (
    id UUID NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    stopped_at BIGINT                           -- set when its work is accounted for: by itself, or by the node that swept it
);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
