"""Findings of what no template sets: a deployment does not put it back, and need not be kept from running for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reconciler.diff.catalogue import field_path, region_of
from reconciler.model.change import Disposition, Finding, Tool
from reconciler.model.observed import Observed, StackState, Zone
from reconciler.model.stacks import StackKind, StackRef
from reconciler.model.topology import Topology

HEAL, HOLD, PAGE = Disposition.HEAL, Disposition.HOLD, Disposition.PAGE
Usual = Callable[[Any, datetime], bool]
_EXPIRES = timedelta(days=21)
"""ACM renews weeks earlier, and reminds people by then [K]."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A property of a resource (`logical_id` a pattern), what it usually is, and what becomes of anything else."""

    kind: StackKind
    logical_id: str
    prop: str
    usual: Usual
    disposition: Disposition
    reason: str
    desired: Any = None
    tool: Tool = Tool.NONE


def _unset(value: Any, _at: datetime) -> bool:
    return not value


def _none(value: Any, _at: datetime) -> bool:
    """0 is a value."""
    return value is None


def _among(*values: Any) -> Usual:
    return lambda value, _at: value in values


def _lasts(value: Any, at: datetime) -> bool:
    return value is None or value > at + _EXPIRES


API, EDGE = StackKind.API, StackKind.EDGE
_CONFIG = "DistributionConfig."
_HELD = "set by hand, and no template says anything of it: take it away by hand when it is not needed any more"
_BY_HAND = "no template says anything of it, so no deployment takes it away: remove it by hand, or find out whose it is"
_CERTIFICATE = "a person must look at the certificate in ACM: without it clients are refused"
_ISSUED, _RENEWED = _among("ISSUED", None), _among(None, "SUCCESS", "PENDING_AUTO_RENEWAL")
# fmt: off
RULES = (
    Rule(API, "Function", "ReservedConcurrentExecutions", _none, HOLD, f"somebody's brake: {_HELD}"),
    Rule(API, "Function", "Layers", _unset, HOLD, f"code beside ours: {_HELD}"),
    Rule(API, "Function", "Policy", _unset, PAGE, f"somebody else may call the function; {_BY_HAND}"),
    Rule(API, "Stage", "CanarySetting", _unset, HOLD, f"a part of the requests goes to another deployment: {_HELD}"),
    Rule(API, "Stage", "CacheClusterEnabled", _unset, HOLD, f"answers may be kept: {_HELD}", False),
    Rule(API, "Stage", "ClientCertificateId", _unset, HOLD, _HELD),
    Rule(API, "Stage", "WebAclArn", _unset, HOLD, f"a firewall stands before the Region: {_HELD}"),
    Rule(API, ".*Domain", "Status", _among("AVAILABLE", "UPDATING", "PENDING", None), PAGE,
         "a person must look at the domain name in API Gateway: it may refuse clients", "AVAILABLE"),
    Rule(API, ".*Domain", "EndpointAccessMode", _among(None, "BASIC"), HOLD, _HELD),
    Rule(API, ".*Domain", "MutualTlsAuthentication", _unset, HOLD, f"clients and probe need certificates now: {_HELD}"),
    Rule(API, ".*Mapping", "Others", _unset, PAGE, f"more paths of the name lead elsewhere; {_BY_HAND}"),
    Rule(API, "Probe", "Disabled", _unset, HEAL,
         "a probe that is switched off counts as healthy, whatever the Region does, and no template can say so", False, Tool.PROBE),
    *(Rule(kind, "Certificate", prop, usual, PAGE, reason, desired)
      for kind in (API, EDGE)
      for prop, usual, reason, desired in (
          ("Status", _ISSUED, _CERTIFICATE, "ISSUED"),
          ("RenewalStatus", _RENEWED, f"it was not renewed; {_CERTIFICATE}", "SUCCESS"),
          ("NotAfter", _lasts, f"it runs out soon; {_CERTIFICATE}", None),
      )),
    Rule(EDGE, "Distribution", _CONFIG + "WebACLId", _unset, HOLD, f"a firewall stands before the distribution: {_HELD}"),
    Rule(EDGE, "Distribution", _CONFIG + "DefaultRootObject", _unset, HOLD, _HELD),
    Rule(EDGE, "Distribution", _CONFIG + "ContinuousDeploymentPolicyId", _unset, HOLD,
         f"a part of the requests goes to another distribution: {_HELD}"),
    Rule(EDGE, "Distribution", _CONFIG + "CacheBehaviors", _unset, HOLD, f"some paths are answered otherwise: {_HELD}"),
    Rule(EDGE, "Distribution", _CONFIG + "DefaultCacheBehavior.FunctionAssociations", _unset, HOLD, _HELD),
    Rule(EDGE, "Distribution", _CONFIG + "Restrictions", _unset, HOLD, f"some countries are refused: {_HELD}"),
    Rule(EDGE, "Headers", "(Cors|CustomHeaders|RemoveHeaders)Config", _unset, HOLD, _HELD),
)
# fmt: on


def beside_findings(topology: Topology, observed: Observed) -> Iterator[Finding]:
    for (ref, logical_id, prop), value in observed.beside.items():
        rule = next((r for r in RULES if r.kind is ref.kind and _names(r, logical_id, prop)), None)
        # What the template sets (a firewall that the document names) is compared there.
        if rule is None or not _settled(observed, ref) or _declares(observed, ref, logical_id, prop):
            continue
        if not rule.usual(value, observed.at):
            yield Finding(
                path=field_path(ref, logical_id, prop)[0],
                region=region_of(ref, logical_id),
                disposition=rule.disposition,
                reason=rule.reason,
                desired=rule.desired,
                observed=value.isoformat() if isinstance(value, datetime) else value,
                tool=rule.tool,
                # Of the others, no deployment of the stack says or does anything: they do not hold it up.
                stack=ref if rule.tool is not Tool.NONE else None,
                logical_id=logical_id if rule.tool is not Tool.NONE else None,
                prop=prop,
            )
    yield from _foreign_records(topology, observed)
    yield from _zone(observed)


def _names(rule: Rule, logical_id: str, prop: str) -> bool:
    return bool(re.fullmatch(rule.logical_id, logical_id) and re.fullmatch(rule.prop, prop))


def _settled(observed: Observed, ref: StackRef) -> bool:
    state = observed.stacks.get(ref)
    return isinstance(state, StackState) and state.complete and not state.moved_after(observed.at)


def _declares(observed: Observed, ref: StackRef, logical_id: str, prop: str) -> bool:
    state = observed.stack(ref.kind, ref.region)
    node: Any = (state.template or {}).get("Resources", {}).get(logical_id, {}).get("Properties", {}) if state else {}
    for key in prop.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    return bool(node)


def _foreign_records(topology: Topology, observed: Observed) -> Iterator[Finding]:
    """While a stack of ours is under way, one of its records may have come or gone since."""
    if not all(state is None or _settled(observed, ref) for ref, state in observed.stacks.items()):
        return
    regions = {topology.region_origin(region): region for region in observed.live_regions()}
    for record in observed.strangers:
        identity = (record.name, record.type, record.set_identifier)
        yield Finding(
            path="routing/records/" + "/".join(part for part in identity if part),
            region=regions.get(record.name),
            disposition=PAGE,
            reason="a record on a name of ours that no stack of ours made; clients may be sent there: remove it by hand, or "
            "find out whose it is",
            observed=record.alias or list(record.values),
        )


def _zone(observed: Observed) -> Iterator[Finding]:
    zone = observed.zone
    if not isinstance(zone, Zone):
        return
    if zone.answered and zone.name_servers and set(zone.answered) != set(zone.name_servers):
        yield Finding(
            path="domain/hostedZoneId/nameServers",
            region=None,
            disposition=PAGE,
            reason="the zone names other name servers than AWS gave it: resolvers may ask in vain; put its NS record back",
            desired=sorted(zone.name_servers),
            observed=sorted(zone.answered),
        )
    if zone.signing in {"ACTION_NEEDED", "INTERNAL_FAILURE"}:
        yield Finding(
            path="domain/hostedZoneId/signing",
            region=None,
            disposition=PAGE,
            reason="the zone's signatures are not in order: resolvers that check them will refuse every answer",
            desired="SIGNING",
            observed=zone.signing,
        )
