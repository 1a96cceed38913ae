"""The composition root: which adapters stand behind the ports. Import it late, it brings boto3 along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.clock import WallClock, loopback_endpoint, system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.control import AwsControlPlane
from reconciler.aws.emergency import OneRegion
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.read_global import TABLE, status_document
from reconciler.aws.revision import GitRevisions
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.aws.writing import ServiceRoles
from reconciler.loop import Ports
from reconciler.ports import Clock, Cloud, ControlPlane, Emergency, Synthesizer


def ports(*, offline: bool = False) -> Ports:
    """Everything a pass needs. Clients are made when they are first used, so `offline` only means that nobody asks AWS
    for the time."""
    clients = Clients()
    clock = WallClock() if offline else system_clock()
    return Ports(
        cloud=AwsCloud(clients, clock, service_roles(os.environ)),
        synthesizer=CachedSynthesizer(),
        revisions=GitRevisions(),
        journal=DynamoJournal(clients),
        clock=clock,
        issuers=HttpsIssuers(),
    )


def service_roles(environment: Mapping[str, str]) -> ServiceRoles:
    """As `meridian-control` sets them for the functions; whoever runs the command with them needs no rights of his own."""
    return ServiceRoles(
        deploy=environment.get("MERIDIAN_SERVICE_ROLE", ""), delete=environment.get("MERIDIAN_DELETE_ROLE", "")
    )


def control_plane() -> tuple[ControlPlane, Cloud, Synthesizer, Clock]:
    """What `bootstrap` uses. It acts with the rights of whoever calls: the roles that it makes must not be able to change it."""
    clients, clock = Clients(), system_clock()
    return AwsControlPlane(clients), AwsCloud(clients, clock), CachedSynthesizer(), clock


def emergency(region: str) -> tuple[Emergency, Clock]:
    """What a failover into this Region uses."""
    return OneRegion(Clients(), region), system_clock()


def on_loopback() -> bool:
    """Calls cost next to nothing, and time may run fast."""
    return loopback_endpoint() is not None


def recorded(name: str, home_region: str) -> Mapping[str, Any] | None:
    """The status document that the last pass left; None while there is none, or no table."""
    system_clock()  # says at once, and in words, that nothing listens at a loopback endpoint
    client = Clients().reader("dynamodb", home_region)
    try:
        document: Mapping[str, Any] | None = status_document(client, name)
    except failures.AwsError as error:
        if failures.absent(error):
            return None
        raise failures.translated(error, f"dynamodb:GetItem on {TABLE}", home_region) from error
    return document
