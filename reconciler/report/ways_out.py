"""The two ways out of a finding that is held: the line of the document that adopts it, and what takes it back."""

from __future__ import annotations

import json
from typing import Any

from reconciler.model.change import Disposition, Finding
from reconciler.model.observed import Observed, known
from reconciler.model.redaction import names_secret

ADOPTABLE = frozenset(
    {
        *(
            "api/handler",
            "api/memoryMb",
            "api/runtime",
            "api/timeoutSeconds",
            "api/throttle/burst",
            "api/throttle/rate",
        ),
        *("api/health/failureThreshold", "api/health/intervalSeconds", "api/health/path"),
        *("database/capacity/max", "database/capacity/min", "database/version", "database/writer"),
        *("database/writeForwarding", "edge/httpVersion", "edge/minimumTls", "edge/priceClass", "edge/webAclArn"),
        *("edge/certificateArn", "routing/ttlSeconds"),
    }
)
"""Fields whose value stands in AWS as it stands in the document."""


def adoption(finding: Finding) -> str:
    """The line of the document and where it stands: `max: 96, under spec.database.capacity`; empty where no line says it."""
    if finding.missing or not _scalar(finding.observed):
        return ""
    parts = finding.path.split("/")
    if parts[0] == "regions" and parts[2:] == ["traffic"]:
        return f"traffic: {finding.observed}, at {parts[1]} under spec.regions"
    field = "/".join(parts[2:]) if parts[0] == "regions" else finding.path
    if field not in ADOPTABLE:
        return ""
    *above, name = field.split("/")
    everywhere = ", for every Region" if parts[0] == "regions" and field.startswith(("api/", "database/")) else ""
    return f"{name}: {_yaml(finding.observed)}, under {'.'.join(['spec', *above])}{everywhere}"


def taking_back(finding: Finding, observed: Observed) -> str:
    """The command that undoes it; in words where it takes more than one."""
    command = _command(finding, observed)
    if command or finding.missing:
        return command
    shown = _scalar(finding.desired) and not names_secret(finding.path)
    if shown and finding.disposition is Disposition.HOLD:
        return f"set it back to {_yaml(finding.desired)} by hand"
    return ""


def _command(finding: Finding, observed: Observed) -> str:
    parts = finding.path.split("/")
    distribution = known(observed.distribution)
    if parts[0] == "regions" and parts[2:] == ["traffic"]:
        gate = known(observed.gates.get(parts[1]))
        number = len(gate.children) + (finding.desired != "serving") if gate else 0
        change = f"--health-check-id {gate.id} --health-threshold {number}" if gate else ""
        return f"aws route53 update-health-check {change}" if change else ""
    if finding.path == "database/writer":
        cluster = known(observed.global_cluster)
        member = cluster.member(str(finding.desired)) if cluster else None
        if cluster is None or member is None:
            return ""
        names = f"--global-cluster-identifier {cluster.identifier} --target-db-cluster-identifier {member.cluster_arn}"
        return f"aws rds switchover-global-cluster --region {finding.observed} {names}"
    if finding.path.startswith("edge/Distribution/DistributionConfig/Enabled") and distribution:
        return (
            f"enable distribution {distribution.id} in CloudFront's console, or by `aws cloudfront update-distribution`"
        )
    return ""


def _scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _yaml(value: Any) -> str:
    """A number that AWS writes as text, and a version that YAML would take for a number, keep their meaning."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    plain = isinstance(value, str) and value.replace("_", "").replace("-", "").isalnum() and not value[:1].isdigit()
    return str(value) if plain else json.dumps(value)
