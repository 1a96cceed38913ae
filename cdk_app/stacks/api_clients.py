"""How a Region's function knows its clients: variables that the sample service's `identity.py` reads.

The issuer's keys are a parameter, for they follow the issuer and not the document. Functions have no way out of their
network, so they cannot fetch them.
"""

from __future__ import annotations

from cdk_app.stacks.base import MeridianStack
from reconciler.model.stacks import CLIENT_KEYS
from reconciler.model.topology import ClientAuth


def client_variables(stack: MeridianStack, client: ClientAuth) -> dict[str, str]:
    given = {"CLIENT_MODE": client.mode, "CLIENT_ISSUER": client.issuer, "CLIENT_AUDIENCE": client.audience}
    if client.mode != "none":
        given["CLIENT_KEYS"] = stack.text(CLIENT_KEYS)
    return {name: value for name, value in given.items() if value is not None}
