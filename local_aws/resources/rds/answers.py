"""How clusters are written in answers, and how a stack calls the service."""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services import rds
from ministack.services.cloudformation.helpers import _sdk_error

from local_aws.gateway.asgi import Answer
from local_aws.resources.rds.forwarding import forwarding_status
from local_aws.resources.rds.members import is_secondary, writer
from local_aws.resources.rds.parameters import with_statuses
from local_aws.resources.wrap import Properties, around, tags

Record = dict[str, Any]
_PLAIN = ("AutoMinorVersionUpgrade", "MonitoringInterval", "MonitoringRoleArn", "StorageType")


def _cluster_xml(stock: Any, cluster: Record) -> str:
    """Everything that ministack's form of a cluster leaves out."""
    shown = with_statuses(stock({**cluster, "GlobalWriteForwardingStatus": forwarding_status(cluster)}), cluster)
    exports = "".join(f"<member>{name}</member>" for name in cluster.get("EnabledCloudwatchLogsExports") or [])
    pending = "".join(f"<{k}>{as_text(v)}</{k}>" for k, v in (cluster.get("PendingModifiedValues") or {}).items())
    source = (writer(cluster) or {}).get("DBClusterArn", "") if is_secondary(cluster) else ""
    more = {
        "GlobalWriteForwardingRequested": as_text(bool(cluster.get("GlobalWriteForwardingRequested"))),
        "EnabledCloudwatchLogsExports": exports,
        "PendingModifiedValues": pending,
        "ReplicationSourceIdentifier": source,  # it swaps in a switchover, and no template may name it (aws-facts §8.5)
        **{key: as_text(cluster[key]) for key in _PLAIN if cluster.get(key) not in (None, "")},
    }
    return str(shown) + "".join(f"<{key}>{value}</{key}>" for key, value in more.items() if value)


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def described(operation: str, cluster: Record) -> Answer:
    body = f"<{operation}Result><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></{operation}Result>"
    answer: Answer = rds._xml(200, f"{operation}Response", body)
    return answer


def for_stack(call: Callable[[Record], Answer], request: dict[str, str]) -> None:
    """A handler's call: what the service refuses is the reason that the stack's event gives."""
    status, _, body = call(dict(request))
    if status < 300:
        return
    code, message = (re.search(rf"<{tag}>(.*?)</{tag}>", body.decode(), re.DOTALL) for tag in ("Code", "Message"))
    told = _sdk_error(message[1] if message else "", "Rds", status)
    kind = "NotFound" if status == 404 else "InvalidRequest"
    raise ValueError(
        f'Resource handler returned message: "{code[1] if code else status}: {told}" (HandlerErrorCode: {kind})'
    )


def rolling_back(stack_name: str) -> bool:
    return "ROLLBACK" in (cfn._stacks.get(stack_name) or {}).get("StackStatus", "")


def tag(record: Record, arn: str, old: Properties, new: Properties) -> None:
    """A stack's tags come and go by their keys; what somebody else put there stays."""
    ours = {t["Key"] for t in (*tags(old), *tags(new))}
    kept = [t for t in rds._tags.get(record[arn]) or [] if t["Key"] not in ours]
    rds._tags[record[arn]] = record["TagList"] = [*tags(new), *kept]


def install() -> None:
    around(rds, "_cluster_xml", _cluster_xml)
