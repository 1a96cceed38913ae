"""A Region's network in template shape: security groups, route tables, and the subnets as the database's group tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.observed import Live, Missing, Unknown
from reconciler.model.shapes import AnyOrder, Atom, Undeclared
from reconciler.observe.names import tags

LOCAL = "local"
"""The gateway of the route that every table has to its own network."""
_UNTOLD = Unknown("NotTold", "the database's subnet group does not tell it")
_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "EgressOnlyInternetGatewayId",
    "InstanceId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
)


def security_group(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """DescribeSecurityGroups [V]: rules of the same ports stand together there, one for each peer in a template."""
    return {
        "GroupDescription": found.get("Description"),
        "VpcId": found.get("VpcId"),
        "SecurityGroupIngress": AnyOrder(_rules(found.get("IpPermissions", ()), "Source")),
        "SecurityGroupEgress": AnyOrder(_rules(found.get("IpPermissionsEgress", ()), "Destination")),
        "Tags": tags(found.get("Tags")),
    }


def _rules(permissions: Sequence[Mapping[str, Any]], side: str) -> Iterator[Atom]:
    for permission in permissions:
        # All protocols (-1) have no ports.
        head = {name: permission[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in permission}
        for listing, given, name in (
            ("IpRanges", "CidrIp", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
            ("PrefixListIds", "PrefixListId", f"{side}PrefixListId"),
            ("UserIdGroupPairs", "GroupId", f"{side}SecurityGroupId"),
        ):
            for peer in permission.get(listing, ()):
                told = {"Description": peer["Description"]} if peer.get("Description") else {}
                yield Atom(head | {name: peer.get(given)} | told)


def route_table(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """No template of ours declares a route: the network has no way out, and every other one is somebody's."""
    others = [_route(r) for r in found.get("Routes", ()) if r.get("GatewayId") != LOCAL]
    return {
        "VpcId": found.get("VpcId"),
        "Routes": Undeclared(desired=None, observed=sorted(others) or None),
        "Tags": tags(found.get("Tags")),
    }


def _route(route: Mapping[str, Any]) -> str:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    target = next((route[name] for name in _TARGETS if route.get(name)), "nowhere")
    return f"{next((route[n] for n in names if route.get(n)), '?')} via {target}"


def association(tables: Sequence[Mapping[str, Any]], identifier: str | None) -> Live:
    """A subnet that is given another table gets another association, too: this one is gone then
    [V: ReplaceRouteTableAssociation]."""
    for table in tables:
        for one in table.get("Associations", ()):
            if one["RouteTableAssociationId"] == identifier:
                return {"RouteTableId": table["RouteTableId"], "SubnetId": one.get("SubnetId")}
    return Missing()


def network(tables: Sequence[Mapping[str, Any]]) -> Live:
    """A network has a main route table as long as it exists, and every table a route to each of its blocks."""
    if not tables:
        return Missing()
    local = {
        r["DestinationCidrBlock"]
        for table in tables
        for r in table.get("Routes", ())
        if r.get("GatewayId") == LOCAL and "DestinationCidrBlock" in r
    }
    return {"CidrBlock": min(local)} if len(local) == 1 else {}


def subnet(group: Mapping[str, Any] | None, identifier: str | None) -> Live:
    """Of `DBSubnetGroup` in a DescribeDBInstances answer [V botocore]."""
    if group is None:
        return _UNTOLD
    found = next((s for s in group.get("Subnets", ()) if s["SubnetIdentifier"] == identifier), None)
    if found is None:
        return _UNTOLD
    return {"VpcId": group.get("VpcId"), "AvailabilityZone": found.get("SubnetAvailabilityZone", {}).get("Name")}


def subnet_group(group: Mapping[str, Any] | None) -> Live:
    if group is None:
        return _UNTOLD
    return {
        "DBSubnetGroupName": group["DBSubnetGroupName"],
        "DBSubnetGroupDescription": group.get("DBSubnetGroupDescription"),
        "SubnetIds": [s["SubnetIdentifier"] for s in group.get("Subnets", ())],
    }
