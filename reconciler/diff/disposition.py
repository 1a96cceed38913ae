"""What becomes of a drift finding: `heal`, `hold` or `page`, with the reason that a person reads.

An operator's hand in an incident (a closed gate, a disabled distribution, more capacity) is held, never reverted.
Data is never repaired unasked.
"""

from __future__ import annotations

from typing import Any

from reconciler.model.change import Disposition
from reconciler.model.stacks import StackKind, StackRef

HEALABLE_TYPES = frozenset(
    {
        "AWS::ApiGateway::BasePathMapping",
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudWatch::Alarm",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::Delivery",
        "AWS::Logs::DeliveryDestination",
        "AWS::Logs::DeliverySource",
        "AWS::Logs::LogGroup",
        "AWS::Route53::HealthCheck",
        "AWS::Route53::RecordSet",
    }
)
"""Types that a drift-aware change set may write back or create again: none of them holds data."""

_METHODS = (
    "methods were edited by hand, and the next deployment of the API makes them live: undo it by hand, or commit it"
)
_UNVALIDATED = (
    "the record that validates the certificate is gone or changed, and without it the certificate is not renewed: make it again "
    "as ACM shows it"
)
_DATA_BEARING = (StackKind.DATA, StackKind.GLOBAL)


def judge(ref: StackRef, logical_id: str, prop: str, declared: Any, live: Any) -> tuple[Disposition, str]:
    """Disposition of one deviating property."""
    match (ref.kind, logical_id, prop):
        case (StackKind.EDGE, "Distribution", "DistributionConfig.Enabled"):
            return (
                Disposition.HOLD,
                "somebody switched the distribution by hand: enable it by hand when the incident is over",
            )
        case (StackKind.EDGE, "Distribution", p) if p.startswith("DistributionConfig.Aliases"):
            return Disposition.HOLD, "the domain was moved by hand: move it back by hand, or commit the change"
        case (StackKind.API, "Function" | "Migrate", p) | (StackKind.EDGE, "Router", p) if p.startswith("Code"):
            return (
                Disposition.HOLD,
                "the code was changed by hand: commit it to adopt it, or deploy the declared code by hand",
            )
        case (StackKind.API, "Api", "Body"):
            return Disposition.HOLD, _METHODS
        case (_, "Certificate", p) if p.startswith("DomainValidationOptions"):
            return Disposition.PAGE, _UNVALIDATED
        case (StackKind.DATA, "Cluster", "EngineVersion") | (StackKind.GLOBAL, "GlobalCluster", "EngineVersion"):
            return Disposition.HOLD, "the engine version was changed by hand: commit the new version to adopt it"
        case (StackKind.DATA, "Cluster", p) if "Capacity" in p and _greater(live, declared):
            return Disposition.HOLD, "capacity was raised by hand: commit it to keep it, or lower it by hand"
        case _ if ref.kind in _DATA_BEARING:
            return Disposition.HOLD, "database settings are not written back unasked: undo it by hand, or commit it"
        case _:
            return Disposition.HEAL, "it is declared, and no operator needs it otherwise in an incident"


def judge_missing(ref: StackRef, resource_type: str) -> tuple[Disposition, str]:
    """Disposition of a resource that its stack lists and AWS no longer has."""
    if ref.kind not in _DATA_BEARING and resource_type in HEALABLE_TYPES:
        return Disposition.HEAL, "deleted outside"
    return Disposition.PAGE, f"{resource_type} was deleted outside: a person must look before anything is made again"


def _greater(live: Any, declared: Any) -> bool:
    try:
        return float(live) > float(declared)
    except (TypeError, ValueError):
        return False
