-- The items of stored responses that only their upstreams know: a request may refer to those of its own account alone.

CREATE TABLE response_items (
    task_id UUID NOT NULL REFERENCES answers (task_id) ON DELETE CASCADE,
    item_id TEXT NOT NULL,                      -- as its upstream calls it
    PRIMARY KEY (task_id, item_id)
);
CREATE INDEX response_items_by_item ON response_items (item_id);
