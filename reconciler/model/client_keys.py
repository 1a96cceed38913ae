"""Which of the issuer's keys a Region's function gets: what the issuer publishes, or, while that cannot be read, what is live.

Functions have no way out of their network, so the keys are shipped as a parameter of stack `api`. An issuer that does not
answer is no reason to change anything: its keys are Unknown, never gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.model.issuer import PublicKey, shipped
from reconciler.model.observed import Observed, StackState, Unknown
from reconciler.model.stacks import CLIENT_KEYS, StackKind
from reconciler.model.topology import Topology

PARAMETER_BYTES = 4096
"""CloudFormation's limit for a parameter's value (CloudFormation user guide, quotas)."""
ENVIRONMENT_BYTES = 4096
"""Lambda's limit for all variables of a function together (Lambda developer guide, quotas). It measures them as JSON, where a
quotation mark takes two characters [K]."""
OTHERS_BYTES = 768
"""What the function's other variables take, but for the values of the document that are counted."""


def fitting(topology: Topology, keys: tuple[PublicKey, ...] | Unknown) -> tuple[PublicKey, ...] | Unknown:
    """The keys, unless they are more than a function can be given."""
    if isinstance(keys, Unknown):
        return keys
    if not keys:
        return Unknown("NoKeys", "it publishes no RSA key for RS256 with 2048 bits or more")
    text = shipped(keys)
    size, room = len(json.dumps(text)), _room(topology)
    if size > room or len(text) > PARAMETER_BYTES:
        return Unknown(
            "KeysDoNotFit",
            f"its {len(keys)} keys take {size} bytes of a function's environment, which has room for {room}",
        )
    return keys


def keys_for(topology: Topology, observed: Observed, region: str) -> str | None:
    """What the Region's function gets. While the issuer cannot be read, the keys that it has, else those of another Region, if
    they are this issuer's; None while nobody has any."""
    if observed.issuer_keys and not isinstance(observed.issuer_keys, Unknown):
        return shipped(observed.issuer_keys)
    first = (region, *(r for r in topology.region_names if r != region))
    states = (observed.stack(StackKind.API, r) for r in first)
    return next((keys for state in states if state and (keys := _live(state, topology.api.client.issuer))), None)


def _live(state: StackState, issuer: str | None) -> str | None:
    """The keys that were deployed with this issuer's name beside them."""
    return state.parameters.get(CLIENT_KEYS) if state.stands and issuer_of(state.template or {}) == issuer else None


def issuer_of(template: Mapping[str, Any]) -> str | None:
    """The issuer whose tokens the function of this `api` template takes."""
    function = template.get("Resources", {}).get("Function", {}).get("Properties", {})
    found = function.get("Environment", {}).get("Variables", {}).get("CLIENT_ISSUER")
    return found if isinstance(found, str) else None


def _room(topology: Topology) -> int:
    api = topology.api
    given = (api.client.issuer, api.client.audience, api.health.path, topology.database.name)
    return ENVIRONMENT_BYTES - OTHERS_BYTES - sum(len(json.dumps(text)) for text in given)
