"""Every statement of the service, parsed by PostgreSQL's own parser: only what Aurora forwards, and only what may be sent twice."""

from __future__ import annotations

import re

import pytest
from pglast import ast, parse_sql, visitors

from tests.handlers.conftest import HANDLERS, sandbox
from tests.handlers.postgres import environment

SQL = sandbox(HANDLERS / "api", environment("eu-west-1")).sql
NAMES = {name: text for name, text in vars(SQL).items() if text in SQL.STATEMENTS}

STATEMENTS = (ast.SelectStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt)
"""What is forwarded; everything else is refused. SET is the session's own."""
SETTINGS = {"apg_write_forward.consistency_mode"}
FUNCTIONS = {"pg_is_in_recovery"}
"""That are called by name. Functions that somebody made in the database are not forwarded; nor is what moves sequences."""


class Strange(visitors.Visitor):
    """Collects what is not forwarded."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def visit(self, _ancestors, node) -> None:
        if isinstance(node, ast.FuncCall):
            name = ".".join(part.sval for part in node.funcname)
            if name not in FUNCTIONS:
                self.found.append(f"function {name}")
        elif isinstance(node, ast.SelectStmt) and node.intoClause:
            self.found.append("SELECT INTO")
        elif type(node).__name__.endswith("Stmt") and not isinstance(node, (*STATEMENTS, ast.RawStmt)):
            self.found.append(type(node).__name__)


def strange(text: str) -> list[str]:
    parsed = parse_sql(re.sub(r"(?<!:):([a-z_0-9]+)", r"$1", text))
    if len(parsed) != 1:
        return [f"{len(parsed)} statements"]
    statement = parsed[0].stmt
    if isinstance(statement, ast.VariableSetStmt):
        return [] if statement.name in SETTINGS and not statement.is_local else [f"SET {statement.name}"]
    visitor = Strange()
    visitor(parsed)
    return visitor.found


def test_every_statement_is_on_the_list():
    written = [
        name
        for name, text in vars(SQL).items()
        if isinstance(text, str) and name.isupper() and not name.startswith("_") and name != "COLUMNS"
    ]
    assert set(written) == set(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_statement_is_forwarded(name):
    assert strange(NAMES[name]) == []


@pytest.mark.parametrize(
    "text",
    [
        *["BEGIN", "COMMIT", "SAVEPOINT s", "RELEASE SAVEPOINT s", "ROLLBACK TO s", "PREPARE TRANSACTION 't'"],
        *[
            "CREATE TABLE t (id int)",
            "ALTER TABLE orders ADD n int",
            "DROP TABLE orders",
            "TRUNCATE orders",
            "ANALYZE",
            "VACUUM",
        ],
        *[
            "LOCK TABLE orders",
            "COPY orders TO STDOUT",
            "CLUSTER orders",
            "DECLARE c CURSOR FOR SELECT 1",
            "FETCH 1 FROM c",
        ],
        *[
            "LISTEN x",
            "NOTIFY x",
            "SELECT * INTO t FROM orders",
            "SET CONSTRAINTS ALL DEFERRED",
            "GRANT SELECT ON orders TO app",
        ],
        *[
            "SELECT nextval('s')",
            "SELECT setval('s', 1)",
            "CALL p()",
            "DO 'x'",
            "SELECT mine(1)",
            "SET LOCAL work_mem = 1",
        ],
        *["SELECT 1; SELECT 2", "INSERT INTO orders (id) VALUES (nextval('s'))", "WITH a AS (SELECT f()) SELECT 1"],
        *[
            "SET search_path = x",
            "EXPLAIN SELECT 1",
            "PREPARE p AS SELECT 1",
            "MERGE INTO orders USING x ON true WHEN MATCHED THEN DELETE",
        ],
    ],
)
def test_what_is_not_forwarded_would_be_found(text):
    assert strange(text)


def test_no_statement_is_written_elsewhere():
    """The words that begin one, in capitals, in any other module of the service."""
    for path in (HANDLERS / "api").glob("*.py"):
        if path.name != "sql.py":
            assert not re.search(r"[\"'](SELECT|INSERT|UPDATE|DELETE|WITH|SET|BEGIN) ", path.read_text()), path.name


def test_what_changes_rows_may_be_sent_twice():
    """A key or an id decides who made a row, and a status that is there already is left: see `test_idempotency`."""
    changing = {name for name, text in NAMES.items() if re.search(r"\b(INSERT|UPDATE|DELETE)\b", text)}
    assert changing == {"CREATE_ORDER", "CHANGE_STATUS"}
    assert NAMES["CREATE_ORDER"].count("ON CONFLICT") == NAMES["CREATE_ORDER"].count("INSERT INTO") == 2
