"""EC2: zones exist per Region, and nothing of a network goes while something uses it."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_region
from ministack.services import ec2, rds

from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources import interfaces, service_quotas
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.ec2._create_security_group",
    "ministack.services.ec2._create_subnet",
    "ministack.services.ec2._create_vpc",
    "ministack.services.ec2._delete_security_group",
    "ministack.services.ec2._delete_subnet",
    "ministack.services.ec2._delete_vpc",
    "ministack.services.ec2._error",
    "ministack.services.ec2._p",
    "ministack.services.ec2._security_groups",
    "ministack.services.ec2._subnets",
    "ministack.services.ec2._vpc_endpoints",
    "ministack.services.ec2._vpcs",
    "ministack.services.ec2._zone_name_for_az_id",
    "ministack.services.rds._clusters",
    "ministack.services.rds._subnet_groups",
)

Record = dict[str, Any]
ZONE_LETTERS = "abc"  # every Region here has three zones, as DescribeAvailabilityZones shows
SHORTEST_PREFIX, LONGEST_PREFIX = 16, 28


def check_zone(zone: str | None) -> None:
    """CreateSubnet: the zone must be one of the Region's (a placeholder such as dummy1a is refused)."""
    zones = [get_region() + letter for letter in ZONE_LETTERS]
    if zone and zone not in zones:
        raise Refused(
            "InvalidParameterValue",
            f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
            f"following availability zones: {', '.join(zones)}.",
        )


def check_zone_id(zone_id: str | None) -> None:
    """CreateSubnet: the zone's id must be one of the Region's [K: words]."""
    if zone_id and not ec2._zone_name_for_az_id(zone_id):
        raise Refused("InvalidParameterValue", f"Value ({zone_id}) for parameter availabilityZoneId is invalid.")


def _block(cidr: str, code: str) -> Any:
    """CreateVpc, CreateSubnet: InvalidVpc.Range, InvalidSubnet.Range: a block of /16 to /28 [V: VPC user guide, error codes]."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise Refused(
            "InvalidParameterValue",
            f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        ) from None
    if not SHORTEST_PREFIX <= network.prefixlen <= LONGEST_PREFIX:
        raise Refused(code, f"The CIDR '{cidr}' is invalid.")
    return network


def _check_subnet(vpc_id: str, cidr: str, zone: str | None, zone_id: str | None) -> None:
    """CreateSubnet: InvalidVpcID.NotFound, InvalidSubnet.Range, InvalidSubnet.Conflict [V: EC2 error codes]."""
    check_zone(zone)
    check_zone_id(zone_id)
    vpc = ec2._vpcs.get(vpc_id)
    if vpc is None:
        raise Refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    wanted = _block(cidr, "InvalidSubnet.Range")
    if not wanted.subnet_of(ipaddress.ip_network(vpc["CidrBlock"], strict=False)):
        raise Refused("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    for other in ec2._subnets.values():
        if other["VpcId"] == vpc_id and wanted.overlaps(ipaddress.ip_network(other["CidrBlock"])):
            raise Refused("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")


def _check_stack_subnet(now: Properties, before: Properties | None) -> None:
    keys = ("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId")
    vpc, cidr, zone, zone_id = (now.get(key) for key in keys)
    if before is None or any(before.get(key) != now.get(key) for key in keys):
        _check_subnet(vpc or "", cidr or "", zone, zone_id)


def _check_subnet_call(request: Record) -> None:
    keys = ("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId")
    _check_subnet(*(ec2._p(request, key) for key in keys))


def _violation(kind: str, name: str) -> None:
    """DependencyViolation [V: EC2 error codes]."""
    raise Refused("DependencyViolation", f"The {kind} '{name}' has dependencies and cannot be deleted.")


def _users_of_group(group: str) -> Iterator[str]:
    """Interfaces, clusters and other groups' rules that name this security group."""
    for one in interfaces.every():
        if any(item["GroupId"] == group for item in one.get("Groups") or []):
            yield one["NetworkInterfaceId"]
    for cluster in rds._clusters.values():  # also one without instances, hence without an interface [K]
        if any(item["VpcSecurityGroupId"] == group for item in cluster.get("VpcSecurityGroups") or []):
            yield cluster["DBClusterIdentifier"]
    for other in ec2._security_groups.values():
        if other["GroupId"] != group and group in str(other.get("IpPermissions")) + str(
            other.get("IpPermissionsEgress")
        ):
            yield other["GroupId"]


def check_group_unused(group: str) -> None:
    """DeleteSecurityGroup: DependencyViolation while an interface or a rule uses it, also one that its function left
    behind (aws-facts §2.3, cdk#6701 [S])."""
    if any(_users_of_group(group)):
        raise Refused("DependencyViolation", f"resource {group} has a dependent object")


def check_subnet_unused(subnet: str) -> None:
    """DeleteSubnet: DependencyViolation while an interface is in it, or a database may put one there (cdk#14456 [S])."""
    if any(one["SubnetId"] == subnet for one in interfaces.every()):
        _violation("subnet", subnet)
    for group in rds._subnet_groups.values():
        in_use = any(c.get("DBSubnetGroup") == group["DBSubnetGroupName"] for c in rds._clusters.values())
        if in_use and subnet in {item.get("SubnetIdentifier") for item in group.get("Subnets") or []}:
            _violation("subnet", subnet)


def check_network_unused(vpc: str) -> None:
    """DeleteVpc: DependencyViolation while an endpoint is in it [V: DeleteVpc]. Subnets and groups: ministack."""
    if any(endpoint.get("VpcId") == vpc for endpoint in ec2._vpc_endpoints.values()):
        _violation("vpc", vpc)


def _check_network(cidr: str | None) -> None:
    if cidr:
        _block(cidr, "InvalidVpc.Range")


def _check_new_network(cidr: str | None) -> None:
    """CreateVpc: VpcLimitExceeded, the default network counts too [V: error codes, VPC quotas]."""
    _check_network(cidr)
    if len(ec2._vpcs) >= service_quotas.value(service_quotas.VPCS):
        raise Refused("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


def _check_stack_network(now: Properties, before: Properties | None) -> None:
    if before is None:
        _check_new_network(now.get("CidrBlock"))
    elif before.get("CidrBlock") != now.get("CidrBlock"):
        _check_network(now.get("CidrBlock"))


def check_group_network(vpc: str | None) -> None:
    """CreateSecurityGroup: InvalidVpcID.NotFound [V: error codes]."""
    if vpc and vpc not in ec2._vpcs:
        raise Refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")


def install() -> None:
    on_call(ec2, "_create_vpc", lambda r: _check_new_network(ec2._p(r, "CidrBlock")), ec2._error)
    on_call(ec2, "_create_subnet", _check_subnet_call, ec2._error)
    on_call(ec2, "_create_security_group", lambda r: check_group_network(ec2._p(r, "VpcId")), ec2._error)
    on_call(ec2, "_delete_vpc", lambda r: check_network_unused(ec2._p(r, "VpcId")), ec2._error)
    on_call(ec2, "_delete_subnet", lambda r: check_subnet_unused(ec2._p(r, "SubnetId")), ec2._error)
    on_call(ec2, "_delete_security_group", lambda r: check_group_unused(ec2._p(r, "GroupId")), ec2._error)
    on_stack("AWS::EC2::VPC", put=_check_stack_network, delete=lambda name, _: check_network_unused(name))
    on_stack("AWS::EC2::Subnet", put=_check_stack_subnet, delete=lambda name, _: check_subnet_unused(name))
    on_stack("AWS::EC2::SecurityGroup", delete=lambda name, _: check_group_unused(name))
