"""What write forwarding makes of a statement, by PostgreSQL's own parser: read here, forward to the primary, or refuse.

The lists are [V] for forwarding within a cluster (Aurora User Guide, "Limitations and considerations of local write forwarding in
Aurora PostgreSQL"); that the global kind has the same is [K], and so are the words of the refusal. Stricter than AWS may be: what
is on the list is refused also where it would only read (COPY TO, cursors, functions that users made), and so is DO, which is a
procedure without a name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from pglast import ast, parse_sql
from pglast.enums import TransactionStmtKind as Tx
from pglast.enums import VariableSetKind
from pglast.parser import ParseError
from pglast.visitors import Visitor

from local_aws.postgres.estate import MODES, Mode

PARAMETER = "apg_write_forward.consistency_mode"
NOT_SUPPORTED, NO_SUCH_VALUE = "0A000", "22023"


class Kind(Enum):
    READ = "read"
    WRITE = "write"
    BEGIN = "begin"  # a transaction that may write
    BEGIN_READ_ONLY = "begin read only"
    END = "end"
    SESSION = "session"  # changes the session itself, wherever its statements run
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    kind: Kind
    sql: str
    state: str = ""  # of a refused one: SQLSTATE and message
    refusal: str = ""
    local: bool = False  # SET LOCAL, SET TRANSACTION: of the transaction, not of the session
    mode: Mode | None = None  # it sets the consistency mode; for DEFAULT and RESET see `resets`
    resets: bool = False
    prepares: tuple[str, Kind] | None = None  # PREPARE


_WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)
_FORWARDED = (*_WRITES, ast.SelectStmt)
# Functions of PostgreSQL's own that write.
_WRITERS = {"nextval": "nextval()", "setval": "setval()", "pg_notify": "NOTIFY"}
_NAMES = {"AlterTableStmt": "ALTER TABLE", "ClusterStmt": "CLUSTER", "ClosePortalStmt": "CLOSE", "CallStmt": "CALL",
          "ConstraintsSetStmt": "SET CONSTRAINTS", "CopyStmt": "COPY", "CreateStmt": "CREATE TABLE",
          "CreateTableAsStmt": "CREATE TABLE AS", "DeclareCursorStmt": "DECLARE CURSOR", "DoStmt": "DO", "DropStmt": "DROP",
          "FetchStmt": "FETCH", "GrantRoleStmt": "GRANT or REVOKE", "GrantStmt": "GRANT or REVOKE", "IndexStmt": "CREATE INDEX",
          "ListenStmt": "LISTEN", "LockStmt": "LOCK", "NotifyStmt": "NOTIFY", "ReassignOwnedStmt": "REASSIGN OWNED",
          "SecLabelStmt": "SECURITY LABEL", "TruncateStmt": "TRUNCATE", "UnlistenStmt": "UNLISTEN",
          "VacuumStmt": "VACUUM or ANALYZE"}  # fmt: skip
_TRANSACTIONS = {
    Tx.TRANS_STMT_SAVEPOINT: "SAVEPOINT", Tx.TRANS_STMT_RELEASE: "RELEASE SAVEPOINT",
    Tx.TRANS_STMT_ROLLBACK_TO: "ROLLBACK TO SAVEPOINT", Tx.TRANS_STMT_PREPARE: "PREPARE TRANSACTION",
    Tx.TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED", Tx.TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
}  # fmt: skip


def classify(sql: str, builtin: frozenset[str], prepared: Mapping[str, Kind]) -> list[Statement]:
    """`builtin`: the names of PostgreSQL's own functions; `prepared`: what PREPARE made. What does not parse, the server judges."""
    try:
        parsed = parse_sql(sql)
    except ParseError:
        return [Statement(kind=Kind.READ, sql=sql)]
    return [_statement(raw.stmt, _slice(sql, raw), builtin, prepared) for raw in parsed]


def _slice(sql: str, raw: Any) -> str:
    """pglast counts characters, not bytes; the last statement has no length."""
    return sql[raw.stmt_location : raw.stmt_location + raw.stmt_len if raw.stmt_len else None]


def _statement(node: Any, sql: str, builtin: frozenset[str], prepared: Mapping[str, Kind]) -> Statement:
    match node:
        case ast.TransactionStmt():
            return _transaction(node, sql)
        case ast.VariableSetStmt():
            return _setting(node, sql)
        case ast.VariableShowStmt():
            return Statement(kind=Kind.READ, sql=sql)
        case ast.DeallocateStmt() | ast.DiscardStmt():
            return Statement(kind=Kind.SESSION, sql=sql)
        case ast.ExecuteStmt():
            return Statement(kind=prepared.get(node.name, Kind.READ), sql=sql)
        case ast.PrepareStmt():
            inner = _statement(node.query, sql, builtin, prepared)
            refused = inner.kind is Kind.REFUSED
            return inner if refused else Statement(kind=Kind.SESSION, sql=sql, prepares=(node.name, inner.kind))
        case ast.ExplainStmt():
            return _statement(node.query, sql, builtin, prepared)
        case _ if isinstance(node, _FORWARDED):
            return _data(node, sql, builtin)
        case _:
            name = type(node).__name__
            return _refused(_NAMES.get(name, f"data definition ({name.removesuffix('Stmt')})"), sql)


def _refused(what: str, sql: str) -> Statement:
    refusal = f"{what} is not supported with write forwarding"
    return Statement(kind=Kind.REFUSED, sql=sql, state=NOT_SUPPORTED, refusal=refusal)


def _transaction(node: Any, sql: str) -> Statement:
    if node.kind in _TRANSACTIONS:
        return _refused(_TRANSACTIONS[node.kind], sql)
    if node.kind not in (Tx.TRANS_STMT_BEGIN, Tx.TRANS_STMT_START):
        return Statement(kind=Kind.END, sql=sql)
    read_only = any(o.defname == "transaction_read_only" and o.arg.val.ival for o in node.options or ())
    return Statement(kind=Kind.BEGIN_READ_ONLY if read_only else Kind.BEGIN, sql=sql)


def _setting(node: Any, sql: str) -> Statement:
    own = node.name == PARAMETER
    reset = node.kind in (VariableSetKind.VAR_RESET, VariableSetKind.VAR_SET_DEFAULT) and own
    value = _value(node) if own and not reset else None
    if value is not None and value.lower() not in MODES:
        refusal = f'invalid value for parameter "{PARAMETER}": "{value}"'
        return Statement(kind=Kind.REFUSED, sql=sql, state=NO_SUCH_VALUE, refusal=refusal)
    return Statement(
        kind=Kind.SESSION,
        sql=sql,
        local=bool(node.is_local) or node.name == "TRANSACTION",
        mode=cast("Mode", value.lower()) if value is not None else None,
        resets=reset or node.kind is VariableSetKind.VAR_RESET_ALL,
    )


def _value(node: Any) -> str:
    return str(getattr(getattr(node.args[0], "val", None), "sval", "")) if node.args else ""


def _data(node: Any, sql: str, builtin: frozenset[str]) -> Statement:
    found = _Found()
    found(node)
    if found.into:
        return _refused("SELECT INTO", sql)
    for refused in _functions(found.functions, builtin):
        return _refused(refused, sql)
    return Statement(kind=Kind.WRITE if found.writes else Kind.READ, sql=sql)


def _functions(called: list[tuple[str, ...]], builtin: frozenset[str]) -> Iterator[str]:
    for *schema, name in called:
        if name in _WRITERS or name.startswith("lo_"):
            yield _WRITERS.get(name, f"{name}()")
        elif schema not in ([], ["pg_catalog"]) or name not in builtin:
            yield f"the user-defined function {'.'.join([*schema, name])}()"


class _Found(Visitor):
    """What there is anywhere in a statement."""

    def __init__(self) -> None:
        self.writes = self.into = False
        self.functions: list[tuple[str, ...]] = []

    def visit(self, _ancestors: Any, node: Any) -> None:
        if isinstance(node, (*_WRITES, ast.LockingClause)):
            self.writes = True
        elif isinstance(node, ast.IntoClause):
            self.into = True
        elif isinstance(node, ast.FuncCall):
            self.functions.append(tuple(part.sval for part in node.funcname))
