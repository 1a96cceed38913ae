"""IAM is eventually consistent [V: IAM User Guide, "Troubleshoot IAM: Changes that I make are not always immediately visible"].

What a call writes is read back at once, but the services that look a role or a managed policy up (to assume it, to evaluate
it) see it only after `durations.IAM_PROPAGATION`. Inside a stack CloudFormation waits that long itself (the time that
AWS::IAM::Role takes).
"""

import copy
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import get_account_id
from ministack.services import iam

from local_aws.clock import CLOCK
from local_aws.durations import IAM_PROPAGATION
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.services.iam._policies", "ministack.services.iam._roles")

Record = dict[str, Any]
_READS = re.compile(r"Get|List|Simulate|Generate")
_STORES = {"role": iam._roles, "policy": iam._policies}
# By kind, account and name: when each version began or begins to be seen, the oldest first. None: it was not there.
versions: dict[tuple[str, str, str], list[tuple[float, Record | None]]] = {}


def role(name: str, account: str) -> Record | None:
    """The role as other services see it by now."""
    return _seen("role", name, account)


def policy(arn: str, account: str) -> Record | None:
    """The customer's managed policy as it is seen by now."""
    return _seen("policy", arn, account)


def _seen(kind: str, name: str, account: str) -> Record | None:
    now, known = CLOCK.now(), versions.get((kind, account, name))
    if known and known[-1][0] > now:
        return [record for since, record in known if since <= now][-1]
    versions.pop((kind, account, name), None)
    current: Record | None = _STORES[kind].get_scoped(account, None, name)
    return current


async def _handle(stock: Callable[..., Any], method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """A call that changes a role or a policy: others go on seeing it as it was, for a while."""
    form = {**query, **parse_qs(body.decode("utf-8", "replace"))}
    touched = [] if _READS.match(_first(form, "Action")) else _touched(form)
    before = [_current(*thing) for thing in touched]
    answer = await stock(method, path, headers, body, query)
    for thing, was in zip(touched, before, strict=True):
        if _current(*thing) != was:
            known = versions.setdefault((thing[0], get_account_id(), thing[1]), [(0.0, was)])
            known.append((CLOCK.now() + IAM_PROPAGATION, _current(*thing)))
    return answer


def _first(form: Record, name: str) -> str:
    return str(form.get(name, [""])[0])


def _touched(form: Record) -> list[tuple[str, str]]:
    """The roles and policies that a call names."""
    name, path = _first(form, "PolicyName"), _first(form, "Path") or "/"
    made = f"arn:aws:iam::{get_account_id()}:policy{path}{name}" if _first(form, "Action") == "CreatePolicy" else ""
    found = [("role", _first(form, "RoleName")), ("policy", _first(form, "PolicyArn") or made)]
    return [thing for thing in found if thing[1]]


def _current(kind: str, name: str) -> Record | None:
    return copy.deepcopy(_STORES[kind].get(name))


def install() -> None:
    around(iam, "handle_request", _handle)
