"""Which field of the desired state a template property carries: the names that people see in plans and findings.

A property that no row names goes by its stack, logical id and property.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model.stacks import REGIONAL, StackKind, StackRef


@dataclass(frozen=True, slots=True)
class Field:
    kind: StackKind
    logical_id: str
    """A pattern for the whole logical id."""
    property: str
    """Dotted path; a change at or below it is a change of the field."""
    path: str


_DISTRIBUTION = "DistributionConfig."
FIELDS = (
    Field(StackKind.API, "Function", "MemorySize", "api/memoryMb"),
    Field(StackKind.API, "Function", "Timeout", "api/timeoutSeconds"),
    Field(StackKind.API, "Function", "Runtime", "api/runtime"),
    Field(StackKind.API, "Function", "Handler", "api/handler"),
    Field(StackKind.API, "Function", "Code", "api/code"),
    Field(StackKind.API, "Function", "Environment.Variables.CLIENT_MODE", "api/auth/client/mode"),
    Field(StackKind.API, "Function", "Environment.Variables.CLIENT_ISSUER", "api/auth/client/issuer"),
    Field(StackKind.API, "Function", "Environment.Variables.CLIENT_AUDIENCE", "api/auth/client/audience"),
    Field(StackKind.API, "Function", "Environment.Variables.CLIENT_KEYS", "api/auth/client/keys"),
    Field(StackKind.API, "Stage", "MethodSettings.0.ThrottlingRateLimit", "api/throttle/rate"),
    Field(StackKind.API, "Stage", "MethodSettings.0.ThrottlingBurstLimit", "api/throttle/burst"),
    Field(StackKind.API, "Probe", "HealthCheckConfig.ResourcePath", "api/health/path"),
    Field(StackKind.API, "Probe", "HealthCheckConfig.RequestInterval", "api/health/intervalSeconds"),
    Field(StackKind.API, "Probe", "HealthCheckConfig.FailureThreshold", "api/health/failureThreshold"),
    Field(StackKind.API, "Api", "Policy", "api/auth/origin"),
    Field(StackKind.API, "(Regional|Shared)Domain", "DomainName", "domain/name"),
    Field(StackKind.DATA, "Cluster", "ServerlessV2ScalingConfiguration.MinCapacity", "database/capacity/min"),
    Field(StackKind.DATA, "Cluster", "ServerlessV2ScalingConfiguration.MaxCapacity", "database/capacity/max"),
    Field(StackKind.DATA, "Cluster", "EngineVersion", "database/version"),
    Field(StackKind.DATA, "Cluster", "Engine", "database/engine"),
    Field(StackKind.DATA, "Cluster", "DatabaseName", "database/name"),
    Field(StackKind.DATA, "Cluster", "MasterUserPassword", "database/master"),
    Field(StackKind.DATA, "Master", "", "database/master"),
    Field(StackKind.DATA, "Parameters", "Family", "database/version"),
    Field(StackKind.DATA, "Parameters", "DBClusterParameterGroupName", "database/version"),
    Field(StackKind.DATA, "Parameters", r"Parameters.apg_write_forward\.consistency_mode", "database/writeForwarding"),
    Field(StackKind.DATA, r"Instance\d+", "", "database/instancesPerRegion"),
    Field(StackKind.GLOBAL, "GlobalCluster", "EngineVersion", "database/version"),
    Field(StackKind.ROUTING, "(Route|Origin).*", "TTL", "routing/ttlSeconds"),
    Field(StackKind.ROUTING, "(Route|Origin).*", "Name", "domain/name"),
    Field(StackKind.ROUTING, "(Route|Origin).*", "HostedZoneId", "domain/hostedZoneId"),
    Field(StackKind.ROUTING, "(Route|Origin).*", "", "routing/records"),
    Field(StackKind.EDGE, "A|Aaaa", "Name", "domain/name"),
    Field(StackKind.EDGE, "A|Aaaa", "HostedZoneId", "domain/hostedZoneId"),
    Field(StackKind.EDGE, "Distribution", _DISTRIBUTION + "Aliases", "domain/name"),
    Field(StackKind.EDGE, "Distribution", _DISTRIBUTION + "PriceClass", "edge/priceClass"),
    Field(StackKind.EDGE, "Distribution", _DISTRIBUTION + "HttpVersion", "edge/httpVersion"),
    Field(StackKind.EDGE, "Distribution", _DISTRIBUTION + "WebACLId", "edge/webAclArn"),
    Field(
        StackKind.EDGE,
        "Distribution",
        _DISTRIBUTION + "ViewerCertificate.MinimumProtocolVersion",
        "edge/minimumTls",
    ),
    Field(
        StackKind.EDGE,
        "Distribution",
        _DISTRIBUTION + "ViewerCertificate.AcmCertificateArn",
        "edge/certificateArn",
    ),
    Field(StackKind.EDGE, "Certificate", "", "edge/certificateArn"),
)


@lru_cache(maxsize=10_000)
def field_path(ref: StackRef, logical_id: str, prop: str) -> tuple[str, bool]:
    """The path people see for a property of a stack's resource, and whether it is a field of the desired state.

    `prop` is dotted, empty for the resource as a whole. Fields that regional stacks carry are prefixed by their Region.
    """
    prefix = f"regions/{ref.region}/" if ref.kind in REGIONAL else ""
    for field in FIELDS:
        if field.kind is ref.kind and re.fullmatch(field.logical_id, logical_id) and _covers(field.property, prop):
            return prefix + field.path, True
    return f"{prefix}{ref.kind}/{logical_id}" + (f"/{slashed(prop)}" if prop else ""), False


def slashed(prop: str) -> str:
    r"""A dotted property as a path; a dot inside a key is written `\.` and stays a dot."""
    return re.sub(r"(?<!\\)\.", "/", prop).replace("\\.", ".")


def _covers(declared: str, prop: str) -> bool:
    return declared in {"", prop} or prop.startswith(declared + ".")


def region_of(ref: StackRef, logical_id: str) -> str | None:
    """The Region that a finding on this resource concerns; None for the edge and global stacks."""
    if ref.kind in REGIONAL:
        return ref.region
    if ref.kind is StackKind.ROUTING and (match := re.fullmatch(r"(?:Route|Origin)(.+)", logical_id)):
        return "-".join(re.findall(r"[A-Z][a-z]+|\d+", match[1])).lower()
    return None
