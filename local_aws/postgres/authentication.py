"""Who may come in, as on RDS: members of `rds_iam` with a token, everybody else with a password.

RDS asks for both in clear text inside TLS when the user is a member of rds_iam, by a line of pg_hba.conf that hands them to a PAM
module [K]; for the others it asks for a SCRAM exchange, where this stand-in asks for the password and makes the same comparison.
Errors are PostgreSQL's own, for which PAM's words are [V: AWS re:Post, "PAM authentication failed for user"].
"""

import base64
import hashlib
import hmac
import re

from local_aws.postgres import wire
from local_aws.postgres.wire import Message

_SCRAM = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")
# Membership counts when it gives something: one that only lets its holder grant the role on, as the master's of rds_iam, does not.
_ROLE = """
with recursive member(id) as (
  select oid from pg_roles where rolname = {name}
  union
  select held.roleid from pg_auth_members held join member on held.member = member.id
    where held.inherit_option or held.set_option
)
select coalesce(rolpassword, ''), exists (select from member join pg_roles on oid = id where rolname = 'rds_iam')
from pg_authid where rolname = {name}
"""


class Rejected(Exception):
    """The client is told `message` and has to go."""

    def __init__(self, state: str, text: str) -> None:
        super().__init__(text)
        self.message: Message = wire.error("FATAL", state, text)


def role_query(user: str) -> str:
    return _ROLE.format(name=wire.literal(user))


def with_token(role: list[list[str | None]]) -> bool:
    """`role` is what `role_query` found: nothing for somebody unknown."""
    return bool(role) and role[0][1] == "t"


def admit(user: str, *, good: bool, method: str) -> None:
    """Raises Rejected unless it was `good`."""
    if not good:
        state = "28000" if method == "PAM" else "28P01"
        raise Rejected(state, f'{method} authentication failed for user "{user}"')


def password_fits(role: list[list[str | None]], password: str) -> bool:
    """Against what PostgreSQL stores (RFC 5803); without a stored password nobody comes in."""
    found = _SCRAM.fullmatch(role[0][0] or "") if role else None
    if not found:
        return False
    rounds, salt, stored = int(found[1]), base64.b64decode(found[2]), base64.b64decode(found[3])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client).digest(), stored)
