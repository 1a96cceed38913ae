"""EC2's list of Regions, with those that the account has not enabled; `gateway.enabled` answers calls there.

`POST /_meridian/regions` disables one and enables it again; all are enabled at first. Those that need no opting in cannot be
disabled [V: Account Management, Regions].
"""

import re
from typing import Any

from ministack.services import ec2

from local_aws.gateway.control import POSTED
from local_aws.gateway.enabled import disabled
from local_aws.gateway.wire import single
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.services.ec2._AWS_REGIONS",
    "ministack.services.ec2._describe_regions",
    "ministack.services.ec2._error",
    "ministack.services.ec2._parse_member_list",
)


def _change(request: dict[str, Any]) -> dict[str, Any]:
    region, enabled = request.get("region"), request.get("enabled")
    statuses = dict(ec2._AWS_REGIONS)
    if region not in statuses or statuses[region] == "opt-in-not-required":
        raise ValueError(f"region {region!r} must be one that needs opting in")
    if not isinstance(enabled, bool):
        raise ValueError(f"enabled {enabled!r} must be true or false")  # noqa: TRY004 (the caller answers 400)
    (disabled.discard if enabled else disabled.add)(region)
    return {"region": region, "enabled": enabled}


def _described(stock: Any, request: dict[str, Any]) -> Any:
    """DescribeRegions: those that are not enabled only if all are asked for, or by name [V]."""
    wanted = ec2._parse_member_list(request, "RegionName")
    unknown = sorted(set(wanted) - {name for name, _ in ec2._AWS_REGIONS})
    if unknown:
        return ec2._error("InvalidParameterValue", f"Invalid value '{unknown[0]}' for region-name.", 400)
    whole = bool(wanted) or str(single(request).get("AllRegions", "")).lower() == "true"
    status, headers, body = stock(request)

    def shown(found: re.Match[str]) -> str:
        name = re.search(r"<regionName>([^<]*)<", found[0])
        if name is None or name[1] not in disabled:
            return found[0]
        return found[0].replace("opted-in", "not-opted-in") if whole else ""

    return status, headers, re.sub(r"<item>.*?</item>", shown, body.decode(), flags=re.DOTALL).encode()


def install() -> None:
    around(ec2, "_describe_regions", _described)
    POSTED["regions"] = _change
