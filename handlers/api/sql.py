"""Every statement that the service sends.

In a Region that does not write, Aurora forwards to the writer whatever changes rows, and takes no more than this for it: plain
INSERT, UPDATE, DELETE and SELECT, also WITH and FOR KEY SHARE, each a transaction of its own [V: Aurora User Guide, "Using write
forwarding in an Aurora PostgreSQL global database"]. No schema changes, savepoints, cursors, LOCK, TRUNCATE, sequences, functions
of ours, or blocks. A test parses each statement here and refuses the rest; it would work in the writer's Region, and only there.

Each statement may be sent twice. Connections break after a commit as well as before, and then nobody knows which it was.
"""

from __future__ import annotations

COLUMNS = "id, customer, status, items, total, region, version, created_at, updated_at"

# Claims the key and makes the order in one statement. If the key is taken, the update that changes nothing waits for whoever is
# about to take it, and gives what they stored; a plain DO NOTHING would give nothing. The stored answer names the order that was
# made for the key: whose id it is, made it. So a second try of the same request finds its own order and makes none.
CREATE_ORDER = """
WITH claim AS (
    INSERT INTO idempotency_keys (key, request_sha256, response)
    VALUES (:key, :request_sha256, CAST(:response AS jsonb))
    ON CONFLICT (key) DO UPDATE SET key = EXCLUDED.key
    RETURNING request_sha256, response
), made AS (
    INSERT INTO orders (id, customer, status, items, total, region, version, created_at, updated_at)
    SELECT CAST(:id AS uuid), CAST(:customer AS text), CAST(:status AS text), CAST(:items AS jsonb),
           CAST(:total AS bigint), CAST(:region AS text), 1, CAST(:created_at AS timestamptz), CAST(:created_at AS timestamptz)
    FROM claim
    WHERE CAST(claim.response ->> 'id' AS uuid) = CAST(:id AS uuid)
    ON CONFLICT (id) DO NOTHING
)
SELECT request_sha256, response FROM claim
"""

READ_ORDER = f"SELECT {COLUMNS} FROM orders WHERE id = CAST(:id AS uuid)"  # noqa: S608  # constants only

# An order that has the wanted status already is left as it is: that may be our own first try. For the same reason a condition
# on version n is also met by version n + 1 with the wanted status (RFC 9110, 13.1.1: a change that was applied already).
CHANGE_STATUS = f"""
UPDATE orders
SET status = CAST(:status AS text),
    version = version + CASE WHEN status = CAST(:status AS text) THEN 0 ELSE 1 END,
    updated_at = CASE WHEN status = CAST(:status AS text) THEN updated_at ELSE CAST(:now AS timestamptz) END
WHERE id = CAST(:id AS uuid)
  AND status = ANY (CAST(:allowed AS text[]))
  AND (CAST(:versions AS integer[]) IS NULL
       OR version = ANY (CAST(:versions AS integer[]))
       OR (status = CAST(:status AS text) AND version - 1 = ANY (CAST(:versions AS integer[]))))
RETURNING {COLUMNS}
"""  # noqa: S608

# Why a change was refused. The lock sends it to the writer, which refused: the local copy may not have heard of it yet.
READ_ORDER_AT_WRITER = f"{READ_ORDER} FOR KEY SHARE"

_PAGE = """(created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid))
ORDER BY created_at DESC, id DESC LIMIT CAST(:limit AS integer)"""
LIST_ORDERS = f"SELECT {COLUMNS} FROM orders WHERE {_PAGE}"  # noqa: S608
LIST_ORDERS_OF_CUSTOMER = f"SELECT {COLUMNS} FROM orders WHERE customer = CAST(:customer AS text) AND {_PAGE}"  # noqa: S608

IN_RECOVERY = "SELECT pg_is_in_recovery()"
"""True where the database follows another one: there it reads, and forwards."""
FORWARD_WITH_SESSION_CONSISTENCY = "SET apg_write_forward.consistency_mode = 'session'"
"""What this connection wrote, it reads from then on. Elsewhere than on Aurora a setting that means nothing."""

STATEMENTS = (
    CREATE_ORDER,
    READ_ORDER,
    CHANGE_STATUS,
    READ_ORDER_AT_WRITER,
    LIST_ORDERS,
    LIST_ORDERS_OF_CUSTOMER,
    IN_RECOVERY,
    FORWARD_WITH_SESSION_CONSISTENCY,
)
