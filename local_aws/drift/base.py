"""What lies under the regional stacks, as it really is: roles, networks and tables."""

from collections.abc import Iterator
from typing import Any

from ministack.services import dynamodb, ec2, iam
from ministack.services.cloudformation import drift as stock

Properties = dict[str, Any]


def role(physical_id: str, props: Properties) -> Properties | None:
    found = iam._roles.get(physical_id)
    read: Properties | None = stock._read_iam_role(physical_id, props)
    if found is None or read is None:
        return None
    inline = found.get("InlinePolicies") or {}
    return read | {
        "Policies": [{"PolicyName": name, "PolicyDocument": stock._json_or(text)} for name, text in inline.items()],
        "ManagedPolicyArns": [_arn(policy) for policy in found.get("AttachedPolicies") or []],
    }


def _arn(policy: Any) -> str:
    return str(policy.get("PolicyArn") if isinstance(policy, dict) else policy)


def table(physical_id: str, props: Properties) -> Properties | None:
    read: Properties | None = stock._read_dynamodb_table(physical_id, props)
    if read is None:
        return None
    ttl = dynamodb._ttl_settings.get(physical_id) or {}
    encryption = dynamodb._tables[physical_id].get("SSEDescription") or {}
    return read | {
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": bool(dynamodb._pitr_settings.get(physical_id))
        },
        "TimeToLiveSpecification": {
            "Enabled": ttl.get("TimeToLiveStatus") == "ENABLED",
            "AttributeName": ttl.get("AttributeName"),
        },
        "SSESpecification": {"SSEEnabled": encryption.get("Status") == "ENABLED"},
    }


# ---- network ---------------------------------------------------------------------------------------------------------------


def _tags(resource_id: str) -> list[Properties]:
    found: list[Properties] = ec2._tags.get(resource_id) or []
    return found


def vpc(physical_id: str, _props: Properties) -> Properties | None:
    found = ec2._vpcs.get(physical_id)
    if found is None:
        return None
    return {
        "CidrBlock": found["CidrBlock"],
        "InstanceTenancy": found.get("InstanceTenancy"),
        "EnableDnsSupport": found.get("EnableDnsSupport", True),
        "EnableDnsHostnames": found.get("EnableDnsHostnames", False),
        "Tags": _tags(physical_id),
    }


def subnet(physical_id: str, _props: Properties) -> Properties | None:
    found = ec2._subnets.get(physical_id)
    if found is None:
        return None
    names = ("VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch")
    return {name: found.get(name) for name in names} | {"Tags": _tags(physical_id)}


def route_table(physical_id: str, _props: Properties) -> Properties | None:
    found = ec2._route_tables.get(physical_id)
    return None if found is None else {"VpcId": found["VpcId"], "Tags": _tags(physical_id)}


def route_association(physical_id: str, _props: Properties) -> Properties | None:
    """Another route table gives the subnet another association: this one is gone then [V, ReplaceRouteTableAssociation]."""
    made = (a for table in ec2._route_tables.values() for a in table.get("Associations", ()))
    found = next((a for a in made if a["RouteTableAssociationId"] == physical_id), None)
    return None if found is None else {name: found.get(name) for name in ("RouteTableId", "SubnetId")}


def security_group(physical_id: str, _props: Properties) -> Properties | None:
    found = ec2._security_groups.get(physical_id)
    if found is None:
        return None
    return {
        "GroupName": found.get("GroupName"),
        "GroupDescription": found["Description"],
        "VpcId": found["VpcId"],
        "SecurityGroupIngress": list(_rules(found.get("IpPermissions") or [], "Source")),
        "SecurityGroupEgress": list(_rules(found.get("IpPermissionsEgress") or [], "Destination")),
        "Tags": _tags(physical_id),
    }


def _rules(permissions: list[Properties], side: str) -> Iterator[Properties]:
    """One rule per range, as a template lists them."""
    for permission in permissions:
        head = {name: permission[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in permission}
        for key, source, name in (
            ("IpRanges", "CidrIp", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
            ("PrefixListIds", "PrefixListId", f"{side}PrefixListId"),
            ("UserIdGroupPairs", "GroupId", f"{side}SecurityGroupId"),
        ):
            for item in permission.get(key) or []:
                told = {"Description": item["Description"]} if item.get("Description") else {}
                yield head | {name: item.get(source)} | told
