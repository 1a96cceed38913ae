"""Desired stacks against applied ones: the changes that a deployment would make, and the resources it may touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.diff.catalogue import field_path
from reconciler.diff.compare import Difference, differences, join
from reconciler.diff.replacement import replaces
from reconciler.model import issuer
from reconciler.model.change import Action, Change, Origin
from reconciler.model.observed import Seen, StackState, Unknown
from reconciler.model.stacks import CLIENT_KEYS, REGIONAL, DesiredStack, StackRef

_BESIDE_PROPERTIES = ("DeletionPolicy", "UpdateReplacePolicy", "Condition")
_RETAINED = ("AWS::ApiGateway::Deployment", "AWS::Lambda::Version")
"""Types whose logical id carries a content hash: the old one leaves the template and is kept on AWS."""


def stack_changes(desired: DesiredStack, state: Seen[StackState]) -> tuple[Change, ...]:
    """Changes of one stack; none for a stack that cannot be read. A stack that is not there is one creation."""
    if isinstance(state, Unknown):
        return ()
    if state is None or state.template is None or not state.stands:
        return (_creation(desired.ref),)
    found = tuple(_resource_changes(desired, state.template)) + tuple(_parameter_changes(desired, state))
    return _named(found) or _outputs(desired, state.template)


def touched(
    desired: DesiredStack, changes: tuple[Change, ...], drifted: frozenset[str], applied: Mapping[str, Any] | None
) -> frozenset[str]:
    """Logical ids that a change set may name: the changed and the drifted resources, and all that refer to them.

    CloudFormation lists a resource that takes an attribute of a changed one, since the value may change with it.
    """
    resources = {**(applied or {}).get("Resources", {}), **desired.template.body.get("Resources", {})}
    marked = drifted | {c.logical_id for c in changes if c.logical_id}
    marked |= {name for name, _ in _differing(desired.template.body, applied or {})}
    if any(c.logical_id is None for c in changes) or not applied:
        names = set(desired.template.body.get("Parameters", {}))
        marked |= {r for r, body in resources.items() if names & set(_references(body))}
    grown = True
    while grown:
        more = {r for r, body in resources.items() if r not in marked and marked & set(_references(body))}
        marked |= more
        grown = bool(more)
    return frozenset(marked)


def _creation(ref: StackRef) -> Change:
    path = f"regions/{ref.region}/{ref.kind}" if ref.kind in REGIONAL else str(ref.kind)
    return Change(path=path, action=Action.CREATE, origin=Origin.GIT, stack=ref)


def _differing(desired: Mapping[str, Any], applied: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    ours, theirs = desired.get("Resources", {}), applied.get("Resources", {})
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            yield name, (ours.get(name), theirs.get(name))


def _resource_changes(desired: DesiredStack, applied: Mapping[str, Any]) -> Iterator[tuple[Change, bool]]:
    ref = desired.ref
    for name, (ours, theirs) in _differing(desired.template.body, applied):
        if theirs is None:
            path, named = field_path(ref, name, "")
            yield Change(path=path, action=Action.CREATE, origin=Origin.GIT, stack=ref, logical_id=name), named
        elif ours is None:
            action = Action.UPDATE if theirs["Type"] in _RETAINED else Action.DELETE
            path, named = field_path(ref, name, "")
            yield Change(path=path, action=action, origin=Origin.GIT, stack=ref, logical_id=name), named
        elif ours["Type"] != theirs["Type"]:
            path, named = field_path(ref, name, "")
            yield Change(path=path, action=Action.REPLACE, origin=Origin.GIT, stack=ref, logical_id=name), named
        else:
            for difference in _body_differences(ours, theirs):
                yield _property_change(ref, name, ours["Type"], difference)


def _body_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Difference]:
    yield from differences(ours.get("Properties", {}), theirs.get("Properties", {}))
    for key in _BESIDE_PROPERTIES:
        if ours.get(key) != theirs.get(key):
            yield Difference(join("", key), ours.get(key), theirs.get(key))


def _property_change(ref: StackRef, name: str, kind: str, difference: Difference) -> tuple[Change, bool]:
    path, named = field_path(ref, name, difference.path)
    action = Action.REPLACE if replaces(kind, difference.path) else Action.UPDATE
    change = Change(
        path=path,
        action=action,
        origin=Origin.GIT,
        stack=ref,
        desired=difference.left,
        applied=difference.right,
        logical_id=name,
    )
    return change, named


def _parameter_changes(desired: DesiredStack, state: StackState) -> Iterator[tuple[Change, bool]]:
    for name, value in (desired.parameters or {}).items():
        if name in state.parameters and state.parameters[name] != value:
            cidr, shown = name == "Cidr", issuer.named if name == CLIENT_KEYS else str
            yield (
                Change(
                    path=_parameter_path(desired.ref, name),
                    action=Action.REPLACE if cidr else Action.UPDATE,
                    origin=Origin.GIT if cidr else Origin.ROLLOUT,
                    stack=desired.ref,
                    desired=shown(value),
                    applied=shown(state.parameters[name]),
                ),
                True,
            )


def _parameter_path(ref: StackRef, name: str) -> str:
    fields = {"Cidr": "cidr", CLIENT_KEYS: "api/auth/client/keys"}
    return f"regions/{ref.region}/{fields[name]}" if name in fields else f"{_creation(ref).path}/parameters/{name}"


def _named(found: tuple[tuple[Change, bool], ...]) -> tuple[Change, ...]:
    """What people asked for, by its field; what merely follows from it stays out. If no field changed, the templates did:
    a new Meridian alters them. Deletions and replacements are always named: a rule must see them."""
    asked = tuple(c for c, named in found if named or c.action in {Action.DELETE, Action.REPLACE})
    if any(named for _, named in found):
        return _once(asked)
    return _once(tuple(_upgrade(c) for c, _ in found))


def _upgrade(change: Change) -> Change:
    return Change(
        path=change.path,
        action=change.action,
        origin=Origin.UPGRADE,
        stack=change.stack,
        desired=change.desired,
        applied=change.applied,
        logical_id=change.logical_id,
    )


def _once(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """One change for each path and action: several resources may carry the same field."""
    return tuple({(c.path, c.action): c for c in reversed(changes)}.values())[::-1]


def _outputs(desired: DesiredStack, applied: Mapping[str, Any]) -> tuple[Change, ...]:
    ours, theirs = desired.template.body.get("Outputs", {}), applied.get("Outputs", {})
    if ours == theirs:
        return ()
    path = f"{_creation(desired.ref).path}/outputs"
    return (Change(path=path, action=Action.UPDATE, origin=Origin.UPGRADE, stack=desired.ref),)


def _references(node: Any) -> Iterator[str]:
    """Names that a template fragment refers to by Ref, GetAtt, Sub or DependsOn."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in {"Ref", "DependsOn"} and isinstance(value, str):
                yield value
            elif key == "DependsOn":
                yield from value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.split(".")[0]
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (part.split("}")[0].split(".")[0] for part in text.split("${")[1:])
                yield from _references(value)
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
