"""Whether the topology's names can be ours: the world asks this zone, Amazon may issue certificates, and nobody has `<d>`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reconciler.model.observed import Unknown, known
from reconciler.model.preflight import Check
from reconciler.model.survey import Question, Topic
from reconciler.model.topology import EDGE_REGION
from reconciler.preflight.scene import Scene
from reconciler.preflight.verdicts import failed, passed, unread, warned

NOT_DELEGATED, CAA_FORBIDS, CERTIFICATE = "ZoneNotDelegated", "CaaForbids", "CertificateUnfit"
RECORD, ALIAS = "RecordInTheWay", "AliasTaken"
AUTHORITIES = frozenset({"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"})
"""Any of them in a CAA record lets ACM issue [V: ACM user guide, CAA records]."""
_CRITICAL = 128
_KNOWN_TAGS = frozenset({"issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail"})
_CUTOVER = 'see "Cutover of a name that serves already" in the README'


# ---- delegation ------------------------------------------------------------------------------------------------------------


def _servers(scene: Scene) -> Question:
    return Question(topic=Topic.DNS, region=EDGE_REGION, name=_plain(scene.topology.domain.zone_name), kind="NS")


def _named(scene: Scene) -> Question:
    zone = scene.topology.domain
    return Question(topic=Topic.ZONE_SERVERS, region=EDGE_REGION, name=zone.zone_id, kind=_plain(zone.zone_name))


def _certifies(scene: Scene) -> tuple[str, ...]:
    """Names that certificates are about to be requested for: ACM looks for its records in the public DNS."""
    topology = scene.topology
    edge = (topology.domain.name,) if scene.edge and not topology.edge.certificate_arn else ()
    shared = (topology.origin_name,) if scene.apis else ()
    return tuple(map(_plain, (*edge, *shared, *(topology.region_origin(r) for r in scene.apis))))


def ask_delegation(scene: Scene) -> Iterator[Question]:
    if known(scene.observed.zone) and (_certifies(scene) or scene.edge):
        yield from (_servers(scene), _named(scene))


def judge_delegation(scene: Scene) -> Iterator[Check]:
    """Of two zones of one name the world asks one. Which, the registrar or the parent zone decides."""
    zone = known(scene.observed.zone)
    if zone is None or not (_certifies(scene) or scene.edge):
        return  # that there is no such zone, a rule of the plan says
    subject, answered = f"zone {zone.id}", scene.answer(_servers(scene))
    if isinstance(answered, Unknown):
        yield unread(NOT_DELEGATED, subject, None, answered)
        return
    ours, theirs = set(map(_plain, zone.name_servers)), set(map(_plain, answered))
    wanted = ", ".join(sorted(ours))
    way_out = f"enter these name servers for {zone.name} at its registrar, or as NS records in the zone above: {wanted}"
    way_out += "; or name the hosted zone that is delegated in spec.domain.hostedZoneId"
    asked = ", ".join(sorted(theirs)) or "nobody"
    own = scene.answer(_named(scene))
    named = set() if isinstance(own, Unknown) else set(map(_plain, own))
    said = f"for {zone.name} the public DNS asks {asked}"
    if ours == theirs:
        yield passed(NOT_DELEGATED, subject, None, f"the public DNS asks its name servers for {zone.name}")
    elif ours & theirs:
        yield warned(NOT_DELEGATED, subject, None, f"{said}, not all of them its own", way_out)
    elif theirs and theirs <= named:
        # Names of one's own for AWS's servers, or a record that was copied from another zone: nobody can tell from here.
        detail = (
            f"{said}, as its NS record says, and not those that AWS gave it: right if these are other names of the same"
        )
        yield warned(NOT_DELEGATED, subject, None, detail, way_out)
    else:
        yield failed(NOT_DELEGATED, subject, None, f"{said}, none of its own", way_out)


# ---- CAA -------------------------------------------------------------------------------------------------------------------


def _chain(name: str) -> Iterator[Question]:
    """The name and those above it, but for the top-level domain, of which none is known to say anything (RFC 8659 §3)."""
    while "." in name:
        yield Question(topic=Topic.DNS, region=EDGE_REGION, name=name, kind="CAA")
        name = name.partition(".")[2]


def ask_caa(scene: Scene) -> Iterator[Question]:
    for name in _certifies(scene):
        yield from _chain(name)


def judge_caa(scene: Scene) -> Iterator[Check]:
    for name in _certifies(scene):
        yield _caa(scene, name)


def _caa(scene: Scene, name: str) -> Check:
    """The nearest set of records decides, whatever stands further up."""
    for question in _chain(name):
        records = scene.answer(question)
        if isinstance(records, Unknown):
            return unread(CAA_FORBIDS, name, None, records)
        if records:
            return _judged(name, question.name, records)
    return passed(CAA_FORBIDS, name, None, "no CAA record restricts who may issue")


def _judged(name: str, at: str, records: tuple[str, ...]) -> Check:
    found = ", ".join(sorted(records))
    parsed = [_parsed(record) for record in records]
    issue = [value for _, tag, value in parsed if tag == "issue"]
    critical = [tag for flags, tag, _ in parsed if flags & _CRITICAL and tag not in _KNOWN_TAGS]
    if not critical and (not issue or AUTHORITIES.intersection(issue)):
        return passed(CAA_FORBIDS, name, None, f"the CAA records at {at} let Amazon issue")
    way_out = f'add the CAA record 0 issue "amazon.com" at {at}, or at {name} to leave other names alone'
    return failed(CAA_FORBIDS, name, None, f"the CAA records at {at} do not let Amazon issue: {found}", way_out)


def _parsed(record: str) -> tuple[int, str, str]:
    """Flags, tag, and the authority without its parameters; what is no such record says nothing."""
    flags, _, rest = record.strip().partition(" ")
    tag, _, value = rest.strip().partition(" ")
    authority = value.strip().strip('"').partition(";")[0].strip().rstrip(".").lower()
    return (int(flags) if flags.isdecimal() else 0), tag.lower(), authority


# ---- a certificate of the user's own ---------------------------------------------------------------------------------------


def _certificate(scene: Scene) -> Question | None:
    arn = scene.topology.edge.certificate_arn
    wanted = arn and (scene.edge or scene.changes("edge/certificateArn"))
    return Question(topic=Topic.CERTIFICATE, region=EDGE_REGION, name=arn) if arn and wanted else None


def ask_certificate(scene: Scene) -> Iterator[Question]:
    if question := _certificate(scene):
        yield question


def judge_certificate(scene: Scene) -> Iterator[Check]:
    question = _certificate(scene)
    if question is None:
        return
    found = scene.answer(question)
    if isinstance(found, Unknown):
        yield unread(CERTIFICATE, "certificate", None, found, "acm:DescribeCertificate")
        return
    wrong = _unfit(found, _plain(scene.topology.domain.name), scene.observed.at)
    if wrong:
        ways = "name an ISSUED certificate of us-east-1 that covers it in spec.edge.certificateArn, or null to have one requested"
        yield failed(CERTIFICATE, "certificate", None, f"{question.name} {wrong}", ways)
    else:
        yield passed(
            CERTIFICATE, "certificate", None, f"{question.name} is issued and covers {scene.topology.domain.name}"
        )


def _unfit(certificate: Any, name: str, now: datetime) -> str:
    if certificate is None:
        return "does not exist"
    if certificate.get("Status") != "ISSUED":
        return f"is {certificate.get('Status')}, not ISSUED"
    ends = certificate.get("NotAfter")
    if isinstance(ends, datetime) and ends <= now:
        return f"ended on {ends:%Y-%m-%d}"
    covered = [_plain(n) for n in (certificate.get("DomainName", ""), *certificate.get("SubjectAlternativeNames", ()))]
    above = "*." + name.partition(".")[2]
    return "" if name in covered or above in covered else f"covers {', '.join(sorted(set(covered)))}, not {name}"


# ---- the name itself -------------------------------------------------------------------------------------------------------


def ask_nothing(scene: Scene) -> Iterator[Question]:  # noqa: ARG001
    yield from ()


def judge_record(scene: Scene) -> Iterator[Check]:
    """What the zone has on `<d>` before the edge is made leads clients somewhere: a rule refuses the plan, this says what to do."""
    name, records = _plain(scene.topology.domain.name), scene.observed.records
    if not scene.edge or not known(scene.observed.zone):
        return  # that there is no such zone, a rule of the plan says
    if isinstance(records, Unknown):
        yield unread(RECORD, name, None, records, "route53:ListResourceRecordSets")
        return
    ours = known(scene.observed.distribution)
    steering = [r for r in records if r.name == name and r.type in {"A", "AAAA", "CNAME"}]
    there = [r for r in steering if ours is None or _plain(r.alias or "") != _plain(ours.domain_name)]
    leads = ", ".join(sorted({r.alias or " ".join(r.values) for r in there}))
    if there:
        yield failed(RECORD, name, None, f"it leads to {leads}, which no stack of this topology made", _CUTOVER)
    else:
        yield passed(RECORD, name, None, "no record in the zone")


def _distributions() -> Question:
    return Question(topic=Topic.DISTRIBUTIONS, region=EDGE_REGION)


def ask_alias(scene: Scene) -> Iterator[Question]:
    if scene.edge:
        yield _distributions()


def judge_alias(scene: Scene) -> Iterator[Check]:
    """One name is the alias of one distribution, in whatever account; only this account's can be seen."""
    if not scene.edge:
        return
    name, found = _plain(scene.topology.domain.name), scene.answer(_distributions())
    if isinstance(found, Unknown):
        yield unread(ALIAS, name, None, found, "cloudfront:ListDistributions")
        return
    ours = known(scene.observed.distribution)  # of a stack that got stuck, and is made again
    others = {d: aliases for d, aliases in found.items() if ours is None or d != ours.id}
    holders = sorted(d for d, aliases in others.items() if name in map(_plain, aliases))
    if holders:
        detail = f"it is an alias of distribution {', '.join(holders)}, which no stack of this topology made"
        yield failed(ALIAS, name, None, detail, f"take the alias away there: {_CUTOVER}")
    else:
        yield passed(ALIAS, name, None, "no distribution of this account has it as alias; others' cannot be seen")


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
