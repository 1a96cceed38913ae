"""Live values in the shape of the template, so that only real differences are left.

CloudFormation compares what the template sets and nothing else: server defaults, the order of lists and the spelling of
numbers and names are no drift. A map with keys of the user's choice (environment variables, parameters, policies) is
compared whole, because a key that appeared in it is.
"""

import json
from collections.abc import Callable
from typing import Any

from local_aws.registry.schemas import Path_, inside

# What tells the elements of a list apart, in the order in which we try.
_IDENTITIES = ("Id", "Key", "Name", "DBInstanceIdentifier", "ErrorCode", "PathPattern", "PolicyName", "ParameterName")
_MISSING = object()


def like(desired: Any, live: Any, maps: frozenset[Path_] = frozenset(), path: Path_ = ()) -> Any:
    """`live`, reduced to what `desired` sets and spelled as `desired` spells it where both mean the same."""
    if isinstance(desired, dict) and isinstance(live, str):
        live = _parsed(live)
    if isinstance(desired, dict) and isinstance(live, dict):
        return _like_dict(desired, live, maps, path)
    if isinstance(desired, list) and isinstance(live, list):
        return _like_list(desired, live, maps, path)
    if same(desired, live):
        return desired
    return int(live) if isinstance(live, float) and live.is_integer() else live


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _like_dict(desired: dict[str, Any], live: dict[str, Any], maps: frozenset[Path_], path: Path_) -> dict[str, Any]:
    whole = inside(path, maps)
    found = {}
    for key in [*desired, *(live.keys() - desired.keys() if whole else ())]:
        value = live.get(key, _MISSING)
        if value is _MISSING or value is None:
            if key in desired and _is_default(desired[key]):
                found[key] = desired[key]
            continue
        found[key] = like(desired.get(key), value, maps, (*path, key)) if key in desired else value
    return found


def _is_default(value: Any) -> bool:
    """A value that an API leaves out because it says nothing."""
    return value in (False, "", [], {}, "false", None)


def _like_list(desired: list[Any], live: list[Any], maps: frozenset[Path_], path: Path_) -> list[Any]:
    """The live elements, each like its partner, in the order of the partners; new ones last."""
    inner, left = (*path, "*"), list(live)
    partners: dict[int, Any] = {}
    for is_partner in (_says_the_same(maps, inner), _has_same_identity, _is_as_structured):
        for index, wanted in enumerate(desired):
            at = next((i for i, found in enumerate(left) if index not in partners and is_partner(wanted, found)), None)
            if at is not None:
                partners[index] = like(wanted, left.pop(at), maps, inner)
    return [partners[index] for index in sorted(partners)] + left


def _says_the_same(maps: frozenset[Path_], path: Path_) -> Callable[[Any, Any], bool]:
    return lambda wanted, found: bool(like(wanted, found, maps, path) == wanted)


def _has_same_identity(wanted: Any, found: Any) -> bool:
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return False
    identity = next((key for key in _IDENTITIES if key in wanted), None)
    return identity is not None and same(wanted[identity], found.get(identity))


def _is_as_structured(wanted: Any, found: Any) -> bool:
    """The last resort: the next element of the same structure, where elements have no name."""
    return isinstance(wanted, dict) and isinstance(found, dict) and not any(key in wanted for key in _IDENTITIES)


def same(desired: Any, live: Any) -> bool:
    """Equal but for JSON types: services keep numbers and booleans as text, templates write them either way."""
    if isinstance(desired, dict) and isinstance(live, dict):
        return desired.keys() == live.keys() and all(same(desired[key], live[key]) for key in desired)
    if isinstance(desired, list) and isinstance(live, list):
        return len(desired) == len(live) and all(same(*pair) for pair in zip(desired, live, strict=True))
    if isinstance(desired, (dict, list)) or isinstance(live, (dict, list)):
        return False
    return text(desired) == text(live)


def text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def spelled(desired: Any, live: Any) -> Any:
    """A DNS name as the template writes it, when it is the same name."""
    if isinstance(desired, str) and isinstance(live, str) and plain_name(desired) == plain_name(live):
        return desired
    return live


def plain_name(name: str) -> str:
    return name.rstrip(".").lower().replace("\\052", "*")


def renamed(record: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """`names`: the template's name to the API's. Every name is there: None says that we looked and found nothing."""
    return {cfn: record.get(api) for cfn, api in names.items()}
