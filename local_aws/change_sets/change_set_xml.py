"""The answers of the change set operations, in the wire format that boto3 parses."""

from typing import Any

from ministack.services.cloudformation.helpers import _esc, _p, _page, _xml

from local_aws.gateway.asgi import Answer

PATCHED: tuple[str, ...] = tuple(
    f"ministack.services.cloudformation.helpers.{n}" for n in ("_esc", "_p", "_page", "_xml")
)

Record = dict[str, Any]

_SUMMARY = [
    "ChangeSetId",
    "ChangeSetName",
    "StackId",
    "StackName",
    "Status",
    "StatusReason",
    "ExecutionStatus",
    "CreationTime",
    "Description",
]
_HEAD = [*_SUMMARY, "OnStackFailure", "ImportExistingResources", "DeploymentMode", "StackDriftStatus"]
# Members that only IncludePropertyValues shows.
_VALUES = ("BeforeContext", "AfterContext", "PreviousDeploymentContext")
_TARGET_VALUES = (
    "Path",
    "BeforeValue",
    "AfterValue",
    "BeforeValueFrom",
    "AfterValueFrom",
    "Drift",
    "AttributeChangeType",
)


def element(name: str, value: Any) -> str:
    """Nested values as XML; lists become members, what is empty is left out as AWS leaves it out."""
    if value is None or value == "":
        return ""
    if isinstance(value, dict):
        return f"<{name}>{''.join(element(k, v) for k, v in value.items())}</{name}>"
    if isinstance(value, list):
        return f"<{name}>{''.join(element('member', item) for item in value)}</{name}>"
    return f"<{name}>{_esc(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"


def described(change_set: Record, params: dict[str, Any]) -> Answer:
    with_values = _p(params, "IncludePropertyValues", "false").lower() == "true"
    page, more, error = _page(change_set["Changes"], params, "DescribeChangeSet")
    if error:
        return error
    changes = [{"Type": "Resource", "ResourceChange": _shown(c["ResourceChange"], with_values)} for c in page]
    inner = "".join(element(name, change_set.get(name)) for name in _HEAD)
    inner += element("Parameters", _parameters(change_set))
    inner += element("Capabilities", change_set.get("Capabilities") or [])
    inner += element("Tags", [{"Key": t["Key"], "Value": t["Value"]} for t in change_set.get("Tags") or []])
    inner += element("Changes", changes) + more
    return _answer("DescribeChangeSet", inner)


def _parameters(change_set: Record) -> list[Record]:
    resolved = change_set.get("_resolved_params") or {}
    shown = {name: "****" if p.get("NoEcho") else p["Value"] for name, p in resolved.items()}
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in shown.items()]


def _shown(change: Record, with_values: bool) -> Record:
    if with_values:
        return change
    plain = {key: value for key, value in change.items() if key not in _VALUES}
    details: list[Record] = []
    for detail in change.get("Details", []):
        target = {key: value for key, value in detail["Target"].items() if key not in _TARGET_VALUES}
        if (row := detail | {"Target": target}) not in details:
            details.append(row)
    return plain | {"Details": details}


def listed(rows: list[Record], params: dict[str, Any]) -> Answer:
    page, more, error = _page(rows, params, "ListChangeSets")
    if error:
        return error
    summaries = [{name: row.get(name) for name in _SUMMARY} for row in page]
    return _answer("ListChangeSets", element("Summaries", summaries) + more)


def deleting() -> Answer:
    answer: Answer = _xml(200, "DeleteStackResponse", "")
    return answer


def _answer(action: str, inner: str) -> Answer:
    answer: Answer = _xml(200, f"{action}Response", f"<{action}Result>{inner}</{action}Result>")
    return answer
