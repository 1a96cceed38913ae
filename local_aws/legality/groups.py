"""EC2: rules of security groups: one that is there is not added again, one that is not there is not taken away."""

import re
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id
from ministack.services import ec2

from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.ec2._authorize_sg_egress",
    "ministack.services.ec2._authorize_sg_ingress",
    "ministack.services.ec2._create_security_group",
    "ministack.services.ec2._error",
    "ministack.services.ec2._p",
    "ministack.services.ec2._parse_ip_permissions",
    "ministack.services.ec2._parse_member_list",
    "ministack.services.ec2._revoke_sg_egress",
    "ministack.services.ec2._revoke_sg_ingress",
    "ministack.services.ec2._rules_match",
    "ministack.services.ec2._security_groups",
)

Record = dict[str, Any]
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_PARSE = ec2._parse_ip_permissions
MOST_RULES = 60  # inbound or outbound, the default quota [V: VPC quotas]


def check_group(name: str | None, description: str | None) -> None:
    """CreateSecurityGroup: a name that does not look like an id, and plain descriptions [V: API reference]."""
    if name and name.startswith("sg-"):
        raise Refused(
            "InvalidParameterValue", f"Invalid value '{name}' for groupName. Group names may not begin with sg-."
        )
    if description is not None and not _DESCRIPTION.fullmatch(description):
        raise Refused(
            "InvalidParameterValue",
            "Invalid security group description. Valid descriptions are strings less than 256 characters from the following "
            "set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )


def _check_ports(rule: Record) -> None:
    """InvalidParameterValue for a range that ends before it begins; ICMP's types and codes are no range [K]."""
    first, last = int(rule.get("FromPort") or 0), int(rule.get("ToPort") or 0)
    if str(rule.get("IpProtocol")).lower() in ("tcp", "udp", "6", "17") and not 0 <= first <= last <= 65535:
        raise Refused("InvalidParameterValue", f"Invalid TCP/UDP port range: {first} to {last}")


def _said(rule: Record) -> str:
    ranges = [r.get("CidrIp") or r.get("CidrIpv6") for key in ("IpRanges", "Ipv6Ranges") for r in rule.get(key) or []]
    pairs = [pair.get("GroupId") for pair in rule.get("UserIdGroupPairs") or []]
    ports = f"from port: {rule.get('FromPort', -1)}, to port: {rule.get('ToPort', -1)}"
    return f'"peer: {", ".join(str(p) for p in [*ranges, *pairs])}, {str(rule["IpProtocol"]).upper()}, {ports}, ALLOW"'


def _parsed(params: Record, prefix: str) -> list[Record]:
    """Rules, as they are kept. DescribeSecurityGroups says that a pair is of this account, and what it says can be sent back to
    revoke the rule [S: as scripts do that empty a group]."""
    rules: list[Record] = _PARSE(params, prefix)
    for pair in (pair for rule in rules for pair in rule["UserIdGroupPairs"]):
        if pair.get("UserId") == get_account_id():
            del pair["UserId"]
    return rules


def _check_authorize(key: str, request: Record) -> None:
    """AuthorizeSecurityGroupIngress, -Egress: InvalidPermission.Duplicate, RulesPerSecurityGroupLimitExceeded
    [V: EC2 error codes]; InvalidGroup.NotFound for a source that does not exist."""
    group = ec2._security_groups.get(ec2._p(request, "GroupId"))
    wanted = ec2._parse_ip_permissions(request, "IpPermissions")
    for rule in wanted if group else []:
        _check_ports(rule)
        for pair in rule.get("UserIdGroupPairs") or []:
            if pair.get("GroupId") not in ec2._security_groups:
                raise Refused("InvalidGroup.NotFound", f"The security group '{pair.get('GroupId')}' does not exist")
        if any(ec2._rules_match(rule, there) for there in group[key]):
            raise Refused("InvalidPermission.Duplicate", f"the specified rule {_said(rule)} already exists")
    if group and len(group[key]) + len(wanted) > MOST_RULES:
        _too_many()


def _too_many() -> None:
    """RulesPerSecurityGroupLimitExceeded [V: EC2 error codes]."""
    raise Refused(
        "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
    )


def _check_revoke(key: str, request: Record) -> None:
    """RevokeSecurityGroupIngress, -Egress: InvalidPermission.NotFound [V: EC2 error codes]."""
    group = ec2._security_groups.get(ec2._p(request, "GroupId"))
    if group is None or ec2._parse_member_list(request, "SecurityGroupRuleId"):
        return
    for rule in ec2._parse_ip_permissions(request, "IpPermissions"):
        if not any(ec2._rules_match(rule, there) for there in group[key]):
            raise Refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")


def _check_stack(now: Properties, _before: Properties | None) -> None:
    """AWS::EC2::SecurityGroup: no rule twice, none to a group that is not there, no more than the quota."""
    check_group(now.get("GroupName"), now.get("GroupDescription"))
    for side, other in (
        ("SecurityGroupIngress", "SourceSecurityGroupId"),
        ("SecurityGroupEgress", "DestinationSecurityGroupId"),
    ):
        rules = now.get(side) or []
        seen: list[Record] = []
        for rule in rules:
            _check_ports(rule)
            peer = rule.get(other)
            if peer and peer not in ec2._security_groups:
                raise Refused("InvalidGroup.NotFound", f"The security group '{peer}' does not exist")
            plain = {key: str(value) for key, value in rule.items() if key != "Description"}
            if plain in seen:
                raise Refused("InvalidPermission.Duplicate", f"the specified rule {plain} already exists")
            seen.append(plain)
        if len(rules) > MOST_RULES:
            _too_many()


def _error(code: str, message: str, status: int) -> Any:
    return ec2._error(code, escape(message), status)


def install() -> None:
    ec2._parse_ip_permissions = _parsed
    for call, check, key in (
        ("_authorize_sg_ingress", _check_authorize, "IpPermissions"),
        ("_authorize_sg_egress", _check_authorize, "IpPermissionsEgress"),
        ("_revoke_sg_ingress", _check_revoke, "IpPermissions"),
        ("_revoke_sg_egress", _check_revoke, "IpPermissionsEgress"),
    ):
        on_call(ec2, call, partial(check, key), _error)
    on_call(
        ec2,
        "_create_security_group",
        lambda r: check_group(ec2._p(r, "GroupName"), ec2._p(r, "GroupDescription")),
        _error,
    )
    on_stack("AWS::EC2::SecurityGroup", put=_check_stack)
