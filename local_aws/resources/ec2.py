"""EC2: attributes of a network that templates ask for, and availability zones by name and filter."""

import re
from typing import Any

from ministack.services import ec2

from local_aws.resources.wrap import Properties, after, around

PATCHED: tuple[str, ...] = (
    "ministack.services.ec2._describe_availability_zones",
    "ministack.services.ec2._error",
    "ministack.services.ec2._parse_filters",
    "ministack.services.ec2._parse_member_list",
)

_FILTERS = {
    "group-name": "groupName",
    "opt-in-status": "optInStatus",
    "region-name": "regionName",
    "state": "zoneState",
    "zone-id": "zoneId",
    "zone-name": "zoneName",
    "zone-type": "zoneType",
}


def _vpc(vpc_id: str, now: Properties, before: Properties | None) -> dict[str, Any]:
    return {"CidrBlock": now.get("CidrBlock")}


def _zones(stock, request: dict[str, Any]) -> tuple:
    """DescribeAvailabilityZones: those that were asked for; a name that is none is refused."""
    status, headers, body = stock(request)
    wanted, filters = ec2._parse_member_list(request, "ZoneName"), ec2._parse_filters(request)
    items = re.findall(r"<item>.*?</item>", body.decode(), re.DOTALL)
    names = {_member(item, "zoneName") for item in items}
    if unknown := sorted(set(wanted) - names):
        return ec2._error("InvalidParameterValue", f"Invalid availability zone: [{unknown[0]}]", 400)
    if wrong := sorted(set(filters) - set(_FILTERS)):
        return ec2._error("InvalidParameterValue", f"The filter '{wrong[0]}' is invalid", 400)
    kept = [
        item
        for item in items
        if (not wanted or _member(item, "zoneName") in wanted)
        and all(_member(item, _FILTERS[name]) in values for name, values in filters.items())
    ]
    text = re.sub(r"<item>.*</item>", lambda _: "".join(kept), body.decode(), flags=re.DOTALL)
    return status, headers, text.encode()


def _member(item: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", item)
    return found[1] if found else ""


def install() -> None:
    around(ec2, "_describe_availability_zones", _zones)
    after("AWS::EC2::VPC", _vpc)
