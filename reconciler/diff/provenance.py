"""Who made a finding: what to ask CloudTrail about it, and which of the calls that it tells of did it.

A Region's events are its own; those of IAM, Route 53 and CloudFront are in us-east-1 alone [V, aws-facts §10]. The resource's name
is asked first, which gives every call on it at once; CloudTrail does not say for every service which names it enters [K], so then
the calls that usually change such a thing are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.diff.compare import plain
from reconciler.diff.resolve import resolved_properties
from reconciler.model.change import Finding
from reconciler.model.observed import Observed, Unknown, known
from reconciler.model.provenance import Act, Lookup
from reconciler.model.redaction import iso_time
from reconciler.model.topology import EDGE_REGION

OURS = "meridian-lease/"
"""In the user agent of every request that a pass makes."""
_STACKS = "cloudformation.amazonaws.com"
_GLOBAL = ("AWS::CloudFront::", "AWS::IAM::", "AWS::Route53::")
_GATE, _WRITER = "AWS::Route53::HealthCheck", "AWS::RDS::GlobalCluster"
_BY_EVENT = 2
_LONGEST = 240

CALLS: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGateway::BasePathMapping": ("UpdateBasePathMapping", "DeleteBasePathMapping", "CreateBasePathMapping"),
    "AWS::ApiGateway::DomainName": ("UpdateDomainName", "DeleteDomainName"),
    "AWS::ApiGateway::RestApi": ("UpdateRestApi", "PutRestApi", "DeleteRestApi", "PutMethod", "PutIntegration"),
    "AWS::ApiGateway::Stage": ("UpdateStage", "DeleteStage", "CreateDeployment"),
    "AWS::CertificateManager::Certificate": ("DeleteCertificate", "UpdateCertificateOptions"),
    "AWS::CloudFront::Distribution": (
        "UpdateDistribution",
        "DeleteDistribution",
        "UpdateDomainAssociation",
        "AssociateAlias",
    ),
    "AWS::CloudFront::ResponseHeadersPolicy": ("UpdateResponseHeadersPolicy", "DeleteResponseHeadersPolicy"),
    "AWS::CloudWatch::Alarm": ("PutMetricAlarm", "DeleteAlarms"),
    "AWS::EC2::SecurityGroup": (
        *("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
        *("RevokeSecurityGroupEgress", "ModifySecurityGroupRules", "DeleteSecurityGroup"),
    ),
    "AWS::EC2::VPCEndpoint": ("ModifyVpcEndpoint", "DeleteVpcEndpoints"),
    "AWS::IAM::Policy": ("PutRolePolicy", "DeleteRolePolicy"),
    "AWS::IAM::Role": (
        *("PutRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy", "UpdateAssumeRolePolicy"),
        *("UpdateRole", "PutRolePermissionsBoundary", "DeleteRole"),
    ),
    "AWS::KMS::Key": (
        *("DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy", "DisableKeyRotation", "EnableKeyRotation", "EnableKey"),
        *("CancelKeyDeletion", "UpdateKeyDescription"),
    ),
    "AWS::Lambda::Function": (
        *("UpdateFunctionConfiguration20150331v2", "UpdateFunctionCode20150331v2", "DeleteFunction20150331"),
        *("PutFunctionConcurrency20171031", "DeleteFunctionConcurrency20171031"),
    ),
    "AWS::Lambda::Permission": ("RemovePermission20150331v2", "AddPermission20150331v2"),
    "AWS::Logs::LogGroup": ("PutRetentionPolicy", "DeleteRetentionPolicy", "DeleteLogGroup"),
    "AWS::RDS::DBCluster": ("ModifyDBCluster", "DeleteDBCluster", "RemoveFromGlobalCluster"),
    "AWS::RDS::DBClusterParameterGroup": ("ModifyDBClusterParameterGroup", "ResetDBClusterParameterGroup"),
    "AWS::RDS::DBInstance": ("ModifyDBInstance", "DeleteDBInstance", "CreateDBInstance"),
    "AWS::RDS::GlobalCluster": (
        *("SwitchoverGlobalCluster", "FailoverGlobalCluster", "ModifyGlobalCluster", "RemoveFromGlobalCluster"),
        "DeleteGlobalCluster",
    ),
    "AWS::Route53::HealthCheck": ("UpdateHealthCheck", "DeleteHealthCheck"),
    "AWS::Route53::RecordSet": ("ChangeResourceRecordSets",),
    "AWS::SecretsManager::Secret": ("UpdateSecret", "PutSecretValue", "DeleteSecret"),
}
"""Events that change a resource of the type, the usual ones first: names of the services' operations; Lambda's with the version of
its API [K]."""

_NAMES = (
    *("RestApiId", "DomainName", "FunctionName", "LogGroupName", "AlarmName", "RoleName", "GlobalClusterIdentifier"),
    *("DBClusterIdentifier", "DBInstanceIdentifier", "DBClusterParameterGroupName"),
)
"""Properties that name a resource, or what it belongs to, as calls do."""


def by_resource(finding: Finding, observed: Observed) -> tuple[Lookup, ...]:
    """What to ask first."""
    kind, names = _subject(finding, observed)
    asked = _zone(observed) if kind == "AWS::Route53::RecordSet" else names[:1]
    return tuple(Lookup(region=r, attribute="ResourceName", value=n) for n in asked for r in _regions(kind, finding))


def by_event(finding: Finding, observed: Observed) -> tuple[Lookup, ...]:
    """What to ask where that gave nobody."""
    kind, names = _subject(finding, observed)
    calls = CALLS.get(kind, ())[:_BY_EVENT] if names else ()
    return tuple(Lookup(region=r, attribute="EventName", value=c) for c in calls for r in _regions(kind, finding))


def author(finding: Finding, observed: Observed, acts: Iterable[Act]) -> str | None:
    """`arn:… UpdateDistribution 203.0.113.7 2026-…`; None where none of these calls can have been it."""
    kind, names = _subject(finding, observed)
    able = {a.id: a for a in acts if _could_be(a, kind, names)}
    newest = sorted(able.values(), key=lambda a: a.at, reverse=True)
    act = _setting(newest, finding) or next(iter(newest), None)
    return _clean(f"{act.who} {act.call} {act.address} {iso_time(act.at)}") if act else None


def unknown(why: Unknown) -> str:
    return _clean(f"not known (CloudTrail: {why.code})")


def _could_be(act: Act, kind: str, names: tuple[str, ...]) -> bool:
    if act.read_only or act.failed or OURS in act.agent or _STACKS in (act.address, act.agent):
        return False
    said = json.dumps(act.request, default=str).replace("\\\\052", "*").lower()
    return act.call in CALLS.get(kind, (act.call,)) and any(name.lower() in said for name in names)


def _setting(acts: list[Act], finding: Finding) -> Act | None:
    """The first of the latest calls in a row that carry the value: whoever writes a whole configuration repeats what others set."""
    found: Act | None = None
    for act in acts:
        if not any(plain(value) == plain(finding.observed) for value in _values(act.request, _last(finding))):
            if found or _values_named(act.request, finding):
                break
            continue
        found = act
    return found


def _values_named(request: Mapping[str, Any], finding: Finding) -> bool:
    return any(True for _ in _values(request, _last(finding)))


def _last(finding: Finding) -> str:
    """What calls may call the property: by the last part of its name."""
    return (finding.prop.rpartition(".")[2] if finding.prop else "") or finding.path.rpartition("/")[2]


def _values(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key.lower() == name.lower():
                yield value
            yield from _values(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from _values(item, name)


def _subject(finding: Finding, observed: Observed) -> tuple[str, tuple[str, ...]]:
    """The type of what drifted, and the names by which calls speak of it."""
    if finding.stack is None:
        gate, cluster = known(observed.gates.get(finding.region or "")), known(observed.global_cluster)
        if finding.path == "database/writer":
            return _WRITER, (cluster.identifier,) if cluster else ()
        return _GATE, (gate.id,) if gate else ()
    state = observed.stack(finding.stack.kind, finding.stack.region)
    body = (state.template or {}).get("Resources", {}).get(finding.logical_id, {}) if state else {}
    if state is None or finding.logical_id is None or not body:
        return "", ()
    declared = resolved_properties(state, observed.account, [finding.logical_id])[finding.logical_id]
    if body["Type"] == "AWS::Route53::RecordSet":
        return body["Type"], (str(declared.get("Name", "")).rstrip("."),)
    named = [state.resources.get(finding.logical_id), *(declared.get(name) for name in _NAMES)]
    return body["Type"], tuple(dict.fromkeys(n for n in named if isinstance(n, str)))


def _zone(observed: Observed) -> tuple[str, ...]:
    zone = known(observed.zone)
    return (zone.id,) if zone else ()


def _regions(kind: str, finding: Finding) -> tuple[str, ...]:
    if kind == _WRITER and finding.stack is None:  # asked of the Region that wrote, or of the one that was to
        return tuple(r for r in (finding.desired, finding.observed) if isinstance(r, str))
    if kind.startswith(_GLOBAL) or finding.stack is None:
        return (EDGE_REGION,)
    return (finding.stack.region,)


def _clean(text: str) -> str:
    """Names and agents are other people's text: one line, nothing that a terminal obeys, and not endless."""
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
