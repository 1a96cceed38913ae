"""The roles, made once by the master: `meridian_migrator`, which owns the schema, and the service's.

Both log in with tokens, as members of `rds_iam`, and have no password. On RDS the master is no superuser, but may create roles and
grant `rds_iam`. Since PostgreSQL 16 whoever creates a role is an administering member of it, and RDS wants a token of every
member of `rds_iam`, also of indirect ones [V: RDS User Guide, "Database authentication"; S: terraform-provider-postgresql#289].
Should that lock the master's password out, nothing is lost: all is done in one transaction, and whether it is done is asked as the
migrator, without the master.
"""

from __future__ import annotations

import rds
from pg8000.native import identifier

LOCK = 0x6D657264
"""Of `prepare`: two at once would both make the roles."""


def is_done(migrator: rds.Link, app: str) -> bool:
    """The migrator could log in; and it may make schemas, and the service's role is there."""
    rows = migrator.connection.run(
        "SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE') "
        "AND EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('rds_iam') AND member = to_regrole(:app))",
        app=app,
    )
    return bool(rows[0][0])


def carry_out(master: rds.Link, database: str, migrator: str, app: str) -> None:
    run = master.connection.run
    run("BEGIN")
    run(f"SELECT pg_advisory_xact_lock({LOCK})")
    for role in (migrator, app):
        if not run("SELECT FROM pg_roles WHERE rolname = :role", role=role):
            run(f"CREATE ROLE {identifier(role)} LOGIN")
        run(f"GRANT rds_iam TO {identifier(role)}")
        run(f"GRANT CONNECT ON DATABASE {identifier(database)} TO {identifier(role)}")
        run(f"GRANT USAGE ON SCHEMA public TO {identifier(role)}")
    run(f"GRANT CREATE ON DATABASE {identifier(database)} TO {identifier(migrator)}")  # for the ledger's schema
    run(f"GRANT CREATE ON SCHEMA public TO {identifier(migrator)}")
    run("COMMIT")
