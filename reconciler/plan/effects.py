"""What a step does to the world: when it is done, when it fails, and when it stays half done. And what a met gate says.

A step done again has no further effect: whoever dies after a request repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.plan import Gate, Step, StepAction
from reconciler.model.stacks import StackKind
from reconciler.plan.picture import Picture, Place, ordinal

Effect = Callable[[Picture, Step], Picture]
What = tuple[StepAction, StackKind | None]


def done(picture: Picture, step: Step) -> Picture:
    """As AWS calls it complete. Whether it does its work, a gate tells."""
    return _effect(_DONE, picture, step)


def failed(picture: Picture, step: Step) -> Picture:
    """It was refused, or taken back: as before, but for the empty shell that a failed creation leaves."""
    return _effect(_FAILED, picture, step)


def half(picture: Picture, step: Step) -> Picture:
    """It stopped in the middle and stays there. A call that AWS carries out whole or not at all has no half."""
    return _effect(_HALF, picture, step)


def passed(picture: Picture, gates: Iterable[Gate]) -> Picture:
    """What is known of the world once these gates are met."""
    for gate in gates:
        if gate.region is None:
            picture = _learn_of_all(picture, gate.name)
        elif gate.name in _LEARNT:
            when, facts = _LEARNT[gate.name]
            place = picture.at(gate.region)
            picture = picture.put(place.but(**facts)) if when(place) else picture
    return picture


def _effect(table: Mapping[What, Effect], picture: Picture, step: Step) -> Picture:
    action = StepAction.DEPLOY if step.action is StepAction.REPAIR else step.action
    found = table.get((action, step.stack.kind if step.stack else None))
    return found(picture, step) if found else picture


def _put(picture: Picture, step: Step, **changes: Any) -> Picture:
    return picture.put(picture.at(step.region or "").but(**changes))


def _to(when: Callable[[Place], bool] = lambda _: True, **changes: Any) -> Effect:
    """The effect on the step's Region, where `when` holds of it."""
    return lambda picture, step: _put(picture, step, **changes) if when(picture.at(step.region or "")) else picture


def _to_all(when: Callable[[Place], bool], **changes: Any) -> Effect:
    """The effect on every Region of which `when` holds."""
    return lambda picture, _: picture.put(*(p.but(**changes) for p in picture.places.values() if when(p)))


# ---- the API ----


def _stands(place: Place) -> bool:
    return place.api in {"up", "stuck"}


def _deploy_api(picture: Picture, step: Step) -> Picture:
    place = picture.at(step.region or "")
    healthy, fresh = place.healthy and _stands(place), place.fresh or place.serves
    after = _put(picture, step, api="up", linked=True, healthy=healthy, fresh=fresh)
    comes_into_reach = picture.schema == "out of reach" and picture.writer == step.region
    return replace(after, schema="behind") if comes_into_reach else after


def _half_deploy_api(picture: Picture, step: Step) -> Picture:
    """What stood stands: CloudFormation could not take its update back, and does no more. What was new is a wreck."""
    stands = _stands(picture.at(step.region or ""))
    return _put(picture, step, api="stuck" if stands else "broken", linked=True)


def _recover_api(picture: Picture, step: Step) -> Picture:
    """A roll-back is finished; a wreck is cleared away."""
    state = picture.at(step.region or "").api
    return _put(picture, step, api={"stuck": "up", "broken": "absent"}.get(state, state))


# ---- the database ----


def _deploy_data(picture: Picture, step: Step) -> Picture:
    """The first cluster founds the global database and writes; others join. The engine is never put back. Where nobody that
    stays holds the master credentials, the writer's stack gets them."""
    place = picture.at(step.region or "")
    writer = picture.writer or (None if any(picture.members) else place.region)
    heir = writer == place.region and not any(p.master and p.wanted for p in picture.places.values())
    stands = place.data == "member"
    after = _put(
        picture,
        step,
        data="member",
        available=False,
        connected=place.connected and stands,
        near=place.region == writer or (place.near and stands),
        version=max(place.version, picture.engine, key=ordinal),
        master=place.master or heir,
        fresh=place.fresh or place.serves,
    )
    return after if after.writer == writer else replace(after, writer=writer)


def _half_deploy_data(picture: Picture, step: Step) -> Picture:
    stands = picture.at(step.region or "").data == "member"
    return _put(picture, step, data="member" if stands else "broken", available=False)


def _switchover(picture: Picture, step: Step) -> Picture:
    """The writer is there once nothing moves any more, which a gate tells."""
    if picture.writer == step.region:
        return picture
    return replace(_put(picture, step, near=True), writer=step.region, moving=True)


def _half_switchover(picture: Picture, step: Step) -> Picture:
    """On its way, or on its way back: the old writer is still the one."""
    return picture if picture.writer == step.region else replace(picture, moving=True)


def _detach(picture: Picture, step: Step) -> Picture:
    return _parted(picture, step, "parting")


def _half_detach(picture: Picture, step: Step) -> Picture:
    """It left and is being promoted: writable soon, and not to be deleted yet."""
    return _parted(picture, step, "apart")


def _parted(picture: Picture, step: Step, state: str) -> Picture:
    if picture.at(step.region or "").data not in {"member", "broken", "unknown"}:
        return picture
    parted = _put(picture, step, data=state, available=False, connected=False, near=False)
    return replace(parted, writer=None) if picture.writer == step.region else parted


def _delete_data(picture: Picture, step: Step) -> Picture:
    """The template's DeletionPolicy leaves a final snapshot. The secret outlives the stack, but no cluster takes it any more."""
    place = picture.at(step.region or "")
    left = place.snapshot or place.data not in {"absent", "shell"}
    nothing = {"data": "absent", "available": False, "connected": False, "near": False, "version": "", "master": False}
    gone = _put(picture, step, **nothing, snapshot=left)
    return replace(gone, writer=None) if picture.writer == step.region else gone


# ---- what exists once ----


def _whole(**changes: Any) -> Effect:
    def effect(picture: Picture, _: Step) -> Picture:
        same = all(getattr(picture, name) == value for name, value in changes.items())
        return picture if same else replace(picture, **changes)

    return effect


def _delete_version(picture: Picture, step: Step) -> Picture:
    return replace(picture, versions=picture.versions - {step.subject.rsplit(":", 1)[-1]})


def _route(state: str) -> Effect:
    """Every Region that the document names gets records. Each carries its gate, so all of them must have one, and be read."""

    def effect(picture: Picture, _: Step) -> Picture:
        wanted = [p for p in picture.places.values() if p.wanted]
        ready = all(p.gate in {"closed", "open"} for p in wanted)
        missing = [p.but(records=state, echo=False) for p in wanted if p.records != "all"] if ready else []
        return picture.put(*missing)

    return effect


def _recover_routing(picture: Picture, _: Step) -> Picture:
    """A roll-back is finished; a wreck is cleared away, and the records with it."""
    gone = [p.but(records="none", echo=True) for p in picture.places.values() if p.records != "none"]
    return replace(picture.put(*gone), wreck=False) if picture.wreck else picture


DEPLOY, RECOVER, DELETE = StepAction.DEPLOY, StepAction.RECOVER, StepAction.DELETE

_DONE: Mapping[What, Effect] = {
    (DEPLOY, StackKind.GLOBAL): _whole(global_stack=True, global_cluster=True),
    (DEPLOY, StackKind.DATA): _deploy_data,
    (DEPLOY, StackKind.API): _deploy_api,
    (DEPLOY, StackKind.ROUTING): _route("all"),
    (DEPLOY, StackKind.EDGE): _whole(edge=True, served=True),
    (RECOVER, StackKind.DATA): _to(lambda p: p.data in {"shell", "broken"}, data="absent", available=False),
    (RECOVER, StackKind.API): _recover_api,
    (RECOVER, StackKind.ROUTING): _recover_routing,
    (StepAction.CREATE_GATE, None): _to(lambda p: p.gate == "absent", gate="closed"),
    (StepAction.OPEN_GATE, None): _to(gate="open", drained=False, quiet=False),
    (StepAction.CLOSE_GATE, None): _to(gate="closed", fresh=False),
    (StepAction.DELETE_GATE, None): _to(gate="absent"),
    (StepAction.SWITCHOVER, None): _switchover,
    (StepAction.MIGRATE, None): _whole(schema="applied"),
    (StepAction.UNROUTE, StackKind.ROUTING): _to(lambda p: p.records != "none", records="none", echo=True),
    (StepAction.DETACH, None): _detach,
    (DELETE, StackKind.GLOBAL): _whole(global_stack=False),
    (DELETE, StackKind.DATA): _delete_data,
    (DELETE, StackKind.API): _to(api="absent", healthy=False, fresh=False),
    (DELETE, StackKind.ROUTING): _to_all(lambda p: p.records != "none", records="none", echo=True),
    (DELETE, StackKind.EDGE): _whole(edge=False),
    (StepAction.DELETE_GLOBAL, None): _whole(global_cluster=False),
    (StepAction.DELETE_VERSION, None): _delete_version,
}
_FAILED: Mapping[What, Effect] = {
    (DEPLOY, StackKind.DATA): _to(lambda p: p.data == "absent", data="shell"),
    (DEPLOY, StackKind.API): _to(lambda p: p.api == "absent", api="broken", linked=True),
    (DELETE, StackKind.API): _to(lambda p: p.api != "absent", api="broken", healthy=False, fresh=False),
}
_HALF: Mapping[What, Effect] = {
    (DEPLOY, StackKind.DATA): _half_deploy_data,
    (DEPLOY, StackKind.API): _half_deploy_api,
    (DEPLOY, StackKind.ROUTING): _route("some"),
    (StepAction.SWITCHOVER, None): _half_switchover,
    (StepAction.UNROUTE, StackKind.ROUTING): _to(lambda p: p.records == "all", records="some", echo=True),
    (StepAction.DETACH, None): _half_detach,
    (DELETE, StackKind.DATA): _to(available=False),
    (DELETE, StackKind.API): _to(lambda p: p.api != "absent", api="broken", healthy=False, fresh=False),
    (DELETE, StackKind.ROUTING): _to_all(lambda p: p.records == "all", records="some", echo=True),
    (DELETE, StackKind.EDGE): _whole(edge=False),  # the domain's alias goes first: half of it is as good as all
}


def _may_be_member(place: Place) -> bool:
    return place.data in {"member", "unknown", "unread"}


_LEARNT: Mapping[str, tuple[Callable[[Place], bool], Mapping[str, Any]]] = {
    "drained": (lambda p: p.gate != "open", {"drained": True}),
    "quiet": (lambda p: p.gate != "open", {"quiet": True}),
    "interfaces": (lambda p: p.api == "absent", {"linked": False}),
    "member-gone": (lambda p: p.data in {"parting", "apart"}, {"data": "apart", "available": True}),
    "database-available": (_may_be_member, {"available": True}),
    "replica-connected": (_may_be_member, {"data": "member", "connected": True}),
    "replica-lag": (_may_be_member, {"near": True}),
    "probe-healthy": (lambda p: p.api in {"up", "unknown"}, {"api": "up", "healthy": True}),
    "traffic-gate": (lambda p: p.gate == "open", {"healthy": True}),
    "soak": (lambda p: p.fresh, {"fresh": False}),
}
"""What a met gate of one Region says of it, where it can say that; also that what could not be read is there. Other gates say
nothing that a picture shows."""


def _learn_of_all(picture: Picture, name: str) -> Picture:
    match name:
        case "dns":
            return picture.put(*(p.but(echo=False) for p in picture.places.values()))
        case "one-writer":
            return replace(picture, moving=False) if picture.moving else picture
        case "members-at-rest":
            return picture.put(*(p.but(available=True, connected=True) for p in picture.members))
        case "versions-equal":
            version = max((p.version for p in picture.members), key=ordinal, default="")
            return picture.put(*(p.but(version=version) for p in picture.members))
        case "master-kept" if picture.writer:
            return picture.put(picture.at(picture.writer).but(master=True))
        case _:
            return picture
