"""EC2: the network interfaces that other services keep in a network.

Lambda shares one per subnet and set of groups among all functions and published versions that have both, and lets go of it
long after the last of them went: it stays attached for minutes, then lies detached (and may be deleted by hand) until
Lambda's own clean-up comes by. Databases and endpoints have theirs for as long as they live.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import ec2, lambda_svc, rds

from local_aws import durations, states
from local_aws.clock import CLOCK
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.ec2._delete_network_interface",
    "ministack.services.ec2._describe_network_interfaces",
    "ministack.services.ec2._eni_fields_xml",
    "ministack.services.ec2._error",
    "ministack.services.ec2._glob_match",
    "ministack.services.ec2._network_interfaces",
    "ministack.services.ec2._p",
    "ministack.services.ec2._parse_filters",
    "ministack.services.ec2._parse_member_list",
    "ministack.services.ec2._security_groups",
    "ministack.services.ec2._subnets",
    "ministack.services.ec2._vpc_endpoints",
    "ministack.services.ec2._xml",
    "ministack.services.lambda_svc._functions",
    "ministack.services.rds._clusters",
    "ministack.services.rds._instances",
    "ministack.services.rds._subnet_groups",
)

Record = dict[str, Any]
Key = tuple[str, str, str, tuple[str, ...]]  # account, Region, subnet, security groups

of_lambda: dict[Key, Record] = {}  # {"id", "function", "left": when the last user went, or None}


# --- Lambda's ---------------------------------------------------------------------------------------------------------------


def look() -> None:
    """Notice who joined and who left; called after whatever may have changed a function."""
    used: dict[Key, str] = {}
    for (account, where, name), function in list(lambda_svc._functions.all_items()):
        for config in (function["config"], *(version["config"] for version in function["versions"].values())):
            network = config.get("VpcConfig") or {}
            groups = tuple(sorted(network.get("SecurityGroupIds") or []))
            used |= {(account, where, subnet, groups): name for subnet in network.get("SubnetIds") or []}
    now = CLOCK.now()
    for key, name in used.items():
        of_lambda.setdefault(key, {"id": _new_id(), "function": name})["left"] = None
    for key in [k for k in of_lambda if k not in used]:
        left = of_lambda[key]["left"] = of_lambda[key]["left"] or now
        if left + durations.INTERFACE_GONE <= now:
            del of_lambda[key]


def _new_id() -> str:
    return "eni-" + new_uuid().replace("-", "")[:17]


def _lambda_interfaces() -> Iterator[Record]:
    look()
    for (account, where, subnet, groups), record in of_lambda.items():
        if (account, where) != (get_account_id(), get_region()):
            continue
        detached = record["left"] is not None and CLOCK.now() >= record["left"] + durations.INTERFACE_DETACHED
        yield _interface(
            record["id"],
            subnet,
            groups,
            Description=f"AWS Lambda VPC ENI-{record['function']}-{_uuid(record['id'])}",
            # Detached, only the description still tells whose it was.
            InterfaceType="interface" if detached else "lambda",
            Status="available" if detached or _joining(record) else "in-use",
            RequesterId=f"AROAEXAMPLE:awslambda_{record['function']}",
        )


def _joining(record: Record) -> bool:
    function = lambda_svc._functions.get(record["function"])
    return record["left"] is None and bool(function) and function["config"].get("State") == "Pending"


# --- others' ----------------------------------------------------------------------------------------------------------------


def _database_interfaces() -> Iterator[Record]:
    for name, instance in list(rds._instances.items()):
        cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
        group = rds._subnet_groups.get(str((cluster or {}).get("DBSubnetGroup"))) or {}
        subnets = [item.get("SubnetIdentifier") for item in group.get("Subnets") or []]
        zone = instance.get("AvailabilityZone")
        at = [s for s in subnets if (ec2._subnets.get(s) or {}).get("AvailabilityZone") == zone] or subnets
        if cluster and at:
            yield _interface(
                _id_for(instance["DBInstanceArn"]),
                at[0],
                tuple(item["VpcSecurityGroupId"] for item in cluster.get("VpcSecurityGroups") or []),
                Description="RDSNetworkInterface",
                RequesterId="amazon-rds",
                DBInstance=name,
            )


def _endpoint_interfaces() -> Iterator[Record]:
    for name, endpoint in list(ec2._vpc_endpoints.items()):
        if endpoint.get("VpcEndpointType") == "Interface":
            for subnet in endpoint.get("SubnetIds") or []:
                yield _interface(
                    _id_for(f"{name}/{subnet}"),
                    subnet,
                    tuple(endpoint.get("SecurityGroupIds") or endpoint.get("Groups") or []),
                    Description=f"VPC Endpoint Interface {name}",
                    InterfaceType="vpc_endpoint",
                    RequesterId="amazon-vpce",
                )


def _id_for(what: str) -> str:
    return "eni-" + hashlib.sha256(what.encode()).hexdigest()[:17]


def _uuid(interface: str) -> str:
    return re.sub(
        r"(.{8})(.{4})(.{4})(.{4})(.{12}).*", r"\1-\2-\3-\4-\5", hashlib.sha256(interface.encode()).hexdigest()
    )


# --- all of them ------------------------------------------------------------------------------------------------------------


def _interface(name: str, subnet: str, groups: tuple[str, ...], **more: Any) -> Record:
    number = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16)
    home = ec2._subnets.get(subnet) or {}
    named = [{"GroupId": g, "GroupName": (ec2._security_groups.get(g) or {}).get("GroupName", g)} for g in groups]
    return {
        "NetworkInterfaceId": name,
        "SubnetId": subnet,
        "VpcId": home.get("VpcId", ""),
        "AvailabilityZone": home.get("AvailabilityZone", ""),
        "OwnerId": get_account_id(),
        "Status": "in-use",
        "InterfaceType": "interface",
        "PrivateIpAddress": f"10.0.{number >> 8}.{number & 255}",
        "MacAddress": f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        "Groups": named,
        "RequesterManaged": "true",
        **more,
    }


def managed() -> list[Record]:
    """The interfaces of this account and Region that belong to a service."""
    return [*_lambda_interfaces(), *_database_interfaces(), *_endpoint_interfaces()]


def every() -> list[Record]:
    return [*ec2._network_interfaces.values(), *managed()]


# --- the calls --------------------------------------------------------------------------------------------------------------

_FILTERS = {
    "availability-zone": "AvailabilityZone",
    "description": "Description",
    "interface-type": "InterfaceType",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


def _describe(_stock: Any, request: Record) -> Any:
    found, wanted = every(), ec2._parse_member_list(request, "NetworkInterfaceId")
    unknown = set(wanted) - {one["NetworkInterfaceId"] for one in found}
    if unknown:
        return ec2._error(
            "InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{min(unknown)}' does not exist", 400
        )
    filters = ec2._parse_filters(request)
    wrong = sorted(set(filters) - {*_FILTERS, "group-id"})
    if wrong:
        return ec2._error("InvalidParameterValue", f"The filter '{wrong[0]}' is invalid", 400)
    items = "".join(
        _xml(one)
        for one in found
        if (not wanted or one["NetworkInterfaceId"] in wanted)
        and all(_matches(one, name, values) for name, values in filters.items())
    )
    answer = f"<networkInterfaceSet>{items}</networkInterfaceSet>"
    return ec2._xml(200, "DescribeNetworkInterfacesResponse", answer)


def _matches(one: Record, name: str, values: list[str]) -> bool:
    if name == "group-id":
        actual = [group["GroupId"] for group in one.get("Groups") or []]
    else:
        actual = [str(one.get(_FILTERS[name], "false" if name == "requester-managed" else ""))]
    return any(ec2._glob_match(value, item) for value in values for item in actual)


def _xml(one: Record) -> str:
    told = f"<requesterManaged>{one.get('RequesterManaged', 'false')}</requesterManaged>"
    if "RequesterId" in one:
        told += f"<requesterId>{one['RequesterId']}</requesterId>"
    text: str = ec2._eni_fields_xml(one)
    return text.removesuffix("</item>") + told + "</item>"


def _delete(stock: Any, request: Record) -> Any:
    """DeleteNetworkInterface: one that Lambda has detached may go before Lambda's clean-up comes by."""
    wanted = ec2._p(request, "NetworkInterfaceId")
    one = next((i for i in managed() if i["NetworkInterfaceId"] == wanted), None)
    if one is None:
        return stock(request)
    if one["Status"] != "available" or one["InterfaceType"] != "interface":
        return ec2._error("InvalidParameterValue", f"Network interface '{wanted}' is currently in use.", 400)
    for key in [k for k, record in of_lambda.items() if record["id"] == wanted]:
        del of_lambda[key]
    return ec2._xml(200, "DeleteNetworkInterfaceResponse", "<return>true</return>")


def install() -> None:
    around(ec2, "_describe_network_interfaces", _describe)
    around(ec2, "_delete_network_interface", _delete)
    states.on_change(look)
