-- Orders, and the keys that make POST safe to repeat.
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer text NOT NULL,
    status text NOT NULL CHECK (status IN ('new', 'paid', 'shipped', 'cancelled')),
    items jsonb NOT NULL,
    total bigint NOT NULL,          -- in the smallest unit of money
    region text NOT NULL,           -- where the order was taken
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Pages go by time and id, the newest first.
CREATE INDEX orders_by_time ON orders (created_at DESC, id DESC);
CREATE INDEX orders_by_customer ON orders (customer, created_at DESC, id DESC);

-- `response` is what the first request with the key was answered: a repeated one gets the same, without asking a table that a
-- Region far away may not have yet. It names the order by its id.
CREATE TABLE idempotency_keys (
    key text PRIMARY KEY,
    request_sha256 text NOT NULL,
    response jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
