-- Callbacks: who is told a task's events, and how far that is. The same on both engines.
--
-- A row is a cursor over the events of one task for one receiver. The events themselves are not written again: they are told from
-- the task's rows. A task that nobody is told of has no row here.

CREATE TABLE callbacks (
    id UUID NOT NULL PRIMARY KEY,
    task_id UUID NOT NULL,
    account_id UUID NOT NULL,
    receiver TEXT NOT NULL,                     -- who named the address: caller or gateway
    only_seq BIGINT NOT NULL,                   -- 0: all events, one after the other; else the one event that is a dead letter
    url TEXT NOT NULL,
    host TEXT NOT NULL,                         -- of the URL, with its port: receivers are kept apart by it
    events TEXT,                                -- JSON array of event names; none: all
    state TEXT NOT NULL,
    next_seq BIGINT NOT NULL,                   -- the event that is sent next
    failures BIGINT NOT NULL,                   -- failed tries in a row
    due_at BIGINT,                              -- when somebody looks at it; while it is sent, when its lease ends; none: with the next event
    node_id UUID,                               -- who sends it
    error TEXT,                                 -- of the last failed try
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (task_id, receiver, only_seq)
);
CREATE INDEX callbacks_due ON callbacks (due_at, host) WHERE due_at IS NOT NULL;
CREATE INDEX callbacks_idle ON callbacks (id) WHERE state = 'open' AND due_at IS NULL;
CREATE INDEX callbacks_dead ON callbacks (id) WHERE state = 'dead';
CREATE INDEX callbacks_by_account ON callbacks (account_id, id);

CREATE TABLE callback_secrets (
    id UUID NOT NULL PRIMARY KEY,
    owner_id UUID NOT NULL,                     -- the account; all zeros for the gateway's own
    secret BYTEA NOT NULL,                      -- sealed, with the row's id as additional data
    created_at BIGINT NOT NULL,
    expires_at BIGINT                           -- until when it signs beside its successor; none: the current one
);
CREATE UNIQUE INDEX callback_secrets_current ON callback_secrets (owner_id) WHERE expires_at IS NULL;
CREATE INDEX callback_secrets_by_owner ON callback_secrets (owner_id);
