"""What a call is authorised for: its action, the ARNs that the action is checked against, and the condition keys of the request.

ministack derives these too, but not as the Service Authorization Reference has them for every service that we use: it knows no
global clusters, health checks or change sets, and one action of Lambda stands in for several.
"""

import contextvars
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from ministack.core import iam_actions
from ministack.services import dynamodb
from ministack.services import iam as iam_service
from ministack.services.cloudformation import handlers as stacks

from local_aws.gateway import wire
from local_aws.iam import reference
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.handlers._resolve_stack",
    "ministack.services.dynamodb._tables",
    "ministack.services.iam._roles",
)

Params = dict[str, Any]
# The action of the call under way and its resources. ministack checks the first one, `calls` the others.
_checked: contextvars.ContextVar[tuple[str, list[str]]] = contextvars.ContextVar("checked", default=("", []))

# Lambda's operations whose action has another name [V: Service Authorization Reference].
_LAMBDA = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction", "InvokeAsync": "InvokeFunction"}
_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_PATHS = {
    "cloudfront": re.compile(r"/(?P<kind>distribution|response-headers-policy)/(?P<name>[^/]+)"),
    "route53": re.compile(r"/(?P<kind>hostedzone|healthcheck|change)/(?P<name>[^/]+)"),
}
_CHANGE_SET = re.compile(r"arn:aws:cloudformation:[^:]+:\d+:changeSet/")


# ---- action and resources --------------------------------------------------------------------------------------------------


def _action(stock: Callable[..., Any], service: str, method: str, path: str, headers: Any, body: bytes, query: Params,
            ) -> str | None:  # fmt: skip
    if service == "lambda":
        name, _ = wire.rest_operation("lambda", method, path, "&".join(query))
        return f"lambda:{_LAMBDA.get(name, name)}" if " " not in name else None
    if service == "dynamodb" and (items := transacted(body)):
        return items[0][0]
    found: str | None = stock(service, method, path, headers, body, query)
    # A batch needs the right to each of its entries; there is none to a batch [V: SQS API permissions reference].
    return found.removesuffix("Batch") if found and service == "sqs" else found


def transacted(body: bytes) -> list[tuple[str, str]]:
    """Action and table of each part of a transaction: there is no right to a transaction itself [V: IAM and transactions]."""
    entries = wire.json_object(body).get("TransactItems") or []
    parts = [next(iter(entry.items())) for entry in entries if isinstance(entry, dict) and entry]
    return [(f"dynamodb:{_TRANSACTED[kind]}", str(of["TableName"])) for kind, of in parts if kind in _TRANSACTED]


def _resource(stock: Callable[..., Any], service: str, method: str, path: str, headers: Any, body: bytes, query: Params,
              region: str, account: str) -> str:  # fmt: skip
    """The first ARN; `resources` gives all of them."""
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
    names = _names(service, action, path, headers, body, query)
    if names is None:
        arn = stock(service, method, path, headers, body, query, region, account)
        found = [arn if arn != reference.ANY else reference.resources(action, {}, account=account, region=region)[0]]
    else:
        found = reference.resources(action, names, account=account, region=region)
    _checked.set((action, found))
    return str(found[0])


def resources(action: str) -> list[str]:
    """The ARNs that the action under way is checked against."""
    checked, arns = _checked.get()
    return arns if checked == action else []


def _names(
    service: str, action: str, path: str, headers: Any, body: bytes, query: Params
) -> dict[str, list[str]] | None:
    """The names of what a call is about, by resource type; None where ministack's own reading will do."""
    given = wire.single(query)
    if service == "rds":
        tagged = given.get("ResourceName", "")
        return reference.named("rds", given) or ({tagged.split(":")[5]: [tagged]} if tagged.count(":") > 5 else {})
    if service == "cloudformation":
        return _stack(given)
    if service == "ec2" and not reference.types(action):
        return {}
    if service in _PATHS:
        found = _PATHS[service].search(path) or _PATHS[service].search(
            "/" + given.get("Resource", "").rsplit(":", 1)[-1]
        )
        return {found["kind"]: [found["name"]]} if found else {}
    if service == "lambda" and action == "lambda:CreateFunction":
        return {"function": [str(wire.json_object(body).get("FunctionName", reference.ANY))]}
    if service == "iam" and given.get("RoleName"):
        return {"role": [_role(given["RoleName"], given.get("Path", "/"))]}
    if service == "logs":
        return _logs(wire.json_object(body))
    if service == "dynamodb" and (items := transacted(body)):
        return {"table": [items[0][1]]}
    return None


def _stack(given: Params) -> dict[str, list[str]]:
    """The stack's id; for a new one AWS has yet to make its last part up."""
    change_set, name = given.get("ChangeSetName", ""), given.get("StackName", "")
    if not name and _CHANGE_SET.match(change_set):
        from ministack.services import cloudformation

        record = cloudformation._change_sets.get(change_set)
        name = record["StackId"] if record else ""
    if not name:
        return {}
    stack = None if name.startswith("arn:") else stacks._resolve_stack(name)
    return {"stack": [stack["StackId"] if stack else name if name.startswith("arn:") else f"{name}/*"]}


def _logs(given: Params) -> dict[str, list[str]] | None:
    """A log group's ARN goes on with its streams, so that policies need `:*` [V: CloudWatch Logs User Guide, resources]."""
    group, stream = given.get("logGroupName") or given.get("logGroupIdentifier"), given.get("logStreamName", "")
    if not group or str(group).startswith("arn:"):
        return None
    name = f"{group}:log-stream:{stream}"
    return {"log-group": [name], "log-stream": [name]}


def _role(name: str, path: str) -> str:
    role = iam_service._roles.get(name)
    return str(role["Arn"]).partition(":role/")[2] if role else f"{path}{name}".lstrip("/")


# ---- condition keys ------------------------------------------------------------------------------------------------------


def _context(stock: Callable[..., Any], service: str, action: str, body: bytes, query: Params) -> Params:
    given = wire.single(query)
    reading = _CONTEXTS.get(service)
    found = dict(reading(action, body, given)) if reading else {}
    return {**stock(service, action, body, query), **{k: v for k, v in found.items() if v not in (None, "", [])}}


def _of_cloudformation(action: str, _: bytes, given: Params) -> Iterator[tuple[str, Any]]:
    """[V] Service Authorization Reference: RoleArn is no key of ExecuteChangeSet and DeleteChangeSet, which take no role."""
    yield "cloudformation:RoleArn", given.get("RoleARN")
    yield "cloudformation:ChangeSetName", given.get("ChangeSetName")
    yield "cloudformation:TemplateUrl", given.get("TemplateURL")
    yield "cloudformation:StackPolicyUrl", given.get("StackPolicyURL")


def _of_route53(action: str, body: bytes, _: Params) -> Iterator[tuple[str, Any]]:
    """Names without a trailing dot, in lower case, `*` as its octal code [V: Route 53, fine-grained access control]."""
    if action != "route53:ChangeResourceRecordSets":
        return
    changes = [node for node in ET.fromstring(body).iter() if node.tag.endswith("}Change")] if body else []
    texts = lambda tag: [str(n.text) for c in changes for n in c.iter() if n.tag.endswith("}" + tag)]  # noqa: E731
    yield "route53:ChangeResourceRecordSetsActions", sorted(set(texts("Action")))
    yield "route53:ChangeResourceRecordSetsRecordTypes", sorted(set(texts("Type")))
    names = {name.rstrip(".").lower().replace("*", "\\052") for name in texts("Name")}
    yield "route53:ChangeResourceRecordSetsNormalizedRecordNames", sorted(names)


def _of_sts(_action: str, _body: bytes, given: Params) -> Iterator[tuple[str, Any]]:
    yield "sts:ExternalId", given.get("ExternalId")
    yield "sts:RoleSessionName", given.get("RoleSessionName")


def _of_iam(action: str, _body: bytes, given: Params) -> Iterator[tuple[str, Any]]:
    """The boundary that is set, else the one that the role has, so that a role can be made to make only bounded ones."""
    role = iam_service._roles.get(given.get("RoleName", "")) or {}
    yield "iam:PermissionsBoundary", given.get("PermissionsBoundary") or role.get("PermissionsBoundary")
    yield "iam:PolicyARN", given.get("PolicyArn")


def _of_dynamodb(_action: str, body: bytes, _given: Params) -> Iterator[tuple[str, Any]]:
    yield "dynamodb:LeadingKeys", sorted({*_leading_keys(wire.json_object(body))})


def _leading_keys(request: Params) -> Iterator[str]:
    """Partition keys of the items that a request names [V: DynamoDB, IAM policy conditions for fine-grained access control]."""
    for name, of_table in (request.get("RequestItems") or {}).items():
        entries = of_table.get("Keys", []) if isinstance(of_table, dict) else of_table
        for entry in entries:
            inner = next((entry[w] for w in ("PutRequest", "DeleteRequest") if w in entry), {"Key": entry})
            yield from _leading_keys({"TableName": name, **inner})
    for entry in request.get("TransactItems") or []:
        yield from _leading_keys(next(iter(entry.values())))
    table = dynamodb._tables.get(str(request.get("TableName", "")).rsplit("/", 1)[-1]) or {}
    key = next((k["AttributeName"] for k in table.get("KeySchema", []) if k["KeyType"] == "HASH"), None)
    item = request.get("Item") or request.get("Key") or {}
    if key in item:
        yield str(next(iter(item[key].values())))
    elif key and request.get("KeyConditionExpression"):
        yield from _queried(key, request)


def _queried(key: str, request: Params) -> Iterator[str]:
    """The value that a query's condition compares the partition key with."""
    names = request.get("ExpressionAttributeNames") or {}
    spelt = [key, *(alias for alias, name in names.items() if name == key)]
    pattern = "|".join(re.escape(name) for name in spelt)
    for found in re.finditer(rf"(?:^|[\s(])(?:{pattern})\s*=\s*(:\w+)", request["KeyConditionExpression"]):
        value = (request.get("ExpressionAttributeValues") or {}).get(found[1])
        if value:
            yield str(next(iter(value.values())))


_CONTEXTS = {
    "cloudformation": _of_cloudformation,
    "dynamodb": _of_dynamodb,
    "iam": _of_iam,
    "route53": _of_route53,
    "sts": _of_sts,
}


def install() -> None:
    around(iam_actions, "extract_iam_action", _action)
    around(iam_actions, "extract_resource_arn", _resource)
    around(iam_actions, "request_tag_context", _context)
