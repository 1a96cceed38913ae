"""Whether a plan with hazards was approved, where the document asks for that: by its fingerprint, and through to its end.

The fingerprint of what is left of a plan differs from that of the whole. So what was approved is remembered before the first
wave, step by step, together with what the document declared: the same steps go on under the same declaration, over passes that
die; a later commit, or a hazard that was not in the plan, is asked for anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from reconciler.model.approval import FINISHING, Approval, place
from reconciler.model.observed import Unknown
from reconciler.model.plan import Gate, Goal, Hazard, Refusal, Step, Wave
from reconciler.model.topology import Topology
from reconciler.plan.permission import ALLOWED_BY_NAME, entry
from reconciler.plan.scene import Scene

_NOT_OF_THE_PLAN = ("root", "source", "safety", "drift", "suspend")
"""Of the topology: where it lies, and what no fingerprint depends on."""
Hazardous = tuple[Step, Hazard | str]


def objections(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> Iterator[Refusal]:
    """One refusal for the whole plan. What is left aside of an earlier plan waits at a gate instead (`at_their_word`)."""
    missing = _missing(scene, waves, fingerprint)
    if missing and not all(wave.aside for wave in waves):
        yield _refusal(scene, missing, fingerprint)


def at_their_word(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> Iterator[Wave]:
    """The waves, those aside that nobody approved behind a gate: a refusal would keep the whole topology from Ready."""
    missing = {step.id for step, _ in _missing(scene, waves, fingerprint)}
    for wave in waves:
        if wave.aside and any(step.id in missing for step in wave.steps):
            detail = f"{', '.join(s.id for s in wave.steps)} needs an approval of {fingerprint}: `meridian approve`"
            yield Wave(gates=(Gate(name="approval", region=None, detail=detail),), aside=True, chain=wave.chain)
        yield wave


def unapproved(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> tuple[str, ...]:
    """Hazards that wait for an approval, each once."""
    return tuple(sorted({str(hazard) for _, hazard in _missing(scene, waves, fingerprint)}))


def approved(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> Mapping[str, str]:
    """What `Motion.approved` is to remember of steps: what it does, as long as that counts, and what this plan adds. The newest
    word counts: whoever takes that back takes back all that it covers."""
    given = {
        place(hazard, step.id): f"{declared(scene.topology)} {fingerprint}"
        for step, hazard in _asked(scene, waves)
        if _given(scene, hazard, step, fingerprint)
    }
    kept = {name: value for name, value in _memory(scene).items() if _counts(scene, name)}
    return dict(sorted((kept | given).items()))


def declared(topology: Topology) -> str:
    """Hash of what the document declares, but for what no fingerprint depends on."""
    content = {name: value for name, value in asdict(topology).items() if name not in _NOT_OF_THE_PLAN}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _asked(scene: Scene, waves: tuple[Wave, ...]) -> list[Hazardous]:
    """What has begun goes on. Who destroys a topology has confirmed it by its name."""
    if scene.topology.safety.approval != "hazards" or scene.goal is Goal.DESTROY:
        return []
    return [(s, h) for w in waves for s in w.steps if not s.begun for h in s.hazards if h not in ALLOWED_BY_NAME]


def _missing(scene: Scene, waves: tuple[Wave, ...], fingerprint: str) -> list[Hazardous]:
    return [
        (step, hazard)
        for step, hazard in _asked(scene, waves)
        if not (_remembered(scene, hazard, step) or _given(scene, hazard, step, fingerprint))
    ]


def _given(scene: Scene, hazard: str, step: Step, fingerprint: str) -> bool:
    """By command, or by an entry of the document, as long as nobody took this plan back by command."""
    found = scene.observed.approval
    by_command = isinstance(found, Approval) and found.holds(fingerprint, scene.observed.at)
    return by_command or (not _taken_back(found, fingerprint) and entry(scene, hazard, step.region, fingerprint))


def _taken_back(word: object, fingerprint: str) -> bool:
    return isinstance(word, Approval) and bool(word.revoked) and word.fingerprint == fingerprint


def _remembered(scene: Scene, hazard: str, step: Step) -> bool:
    return _counts(scene, place(hazard, step.id))


def _counts(scene: Scene, name: str) -> bool:
    """Approved with the plan that this one is the rest of, and not taken back; while nobody can say that, it is not."""
    what, _, fingerprint = _memory(scene).get(name, "").partition(" ")
    word = scene.observed.approval
    if isinstance(word, Unknown) or _taken_back(word, fingerprint) or "@" not in name or not fingerprint:
        return False
    if what == FINISHING:
        return name.rpartition("/")[2] not in scene.topology.region_names
    return what == declared(scene.topology)


def _memory(scene: Scene) -> Mapping[str, str]:
    return scene.motion.approved if scene.motion else {}


def _refusal(scene: Scene, missing: list[Hazardous], fingerprint: str) -> Refusal:
    carried = "; ".join(dict.fromkeys(f"{step.id} carries {hazard}" for step, hazard in missing))
    hazards = dict.fromkeys(str(hazard) for _, hazard in missing)
    entries = ", ".join(f"{{hazard: {hazard}, fingerprint: {fingerprint}, expires: …}}" for hazard in hazards)
    name, document = scene.topology.name, scene.topology.source or "PATH"
    lines = (
        f"{carried}, and {_why_not(scene, fingerprint)}; any of these approves this very plan:",
        f"meridian approve {name} --fingerprint {fingerprint} --reason TEXT",
        f"safety.allow: [{entries}]",
        f"meridian converge {document} --plan FILE, with the FILE that `meridian plan {document} --out FILE` wrote",
    )
    return Refusal(code="ApprovalRequired", path="spec.safety.approval", message="\n".join(lines))


def _why_not(scene: Scene, fingerprint: str) -> str:
    found = scene.observed.approval
    if found is None:
        return "nobody has approved this plan"
    if isinstance(found, Unknown):
        return f"whether somebody approved this plan cannot be read ({found})"
    match found.state(fingerprint, scene.observed.at):
        case "revoked":
            return f"the approval of {found.fingerprint} was revoked by {found.revoked}"
        case "expired":
            return f"the approval of {found.fingerprint} by {found.by} expired at {found.expires.isoformat()}"
        case _:
            return f"the approval by {found.by} is of another plan, {found.fingerprint}"
