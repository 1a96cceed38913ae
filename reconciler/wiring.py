"""The composition root: which adapters stand behind the ports. Import it late, it brings boto3 along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cdk_app.code import shipped
from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.clock import WallClock, loopback_endpoint, system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.emergency import OneRegion
from reconciler.aws.git import commit_at_hand, ignored
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.read_global import TABLE, status_document
from reconciler.aws.revision import GitRevisions
from reconciler.aws.revisions import RevisionBucket, bucket_name, folder_of
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.loop import Ports
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Emergency

__all__ = [
    "account",
    "commit_at_hand",
    "emergency",
    "folder_of",
    "ignored",
    "now",
    "on_loopback",
    "ports",
    "recorded",
    "revisions",
    "shipped",
]


def ports(*, offline: bool = False) -> Ports:
    """Everything a pass needs. Clients are made when they are first used, so `offline` only means that nobody asks AWS
    for the time."""
    clients = Clients()
    clock = WallClock() if offline else system_clock()
    return Ports(
        cloud=AwsCloud(clients, clock),
        synthesizer=CachedSynthesizer(),
        revisions=GitRevisions(),
        journal=DynamoJournal(clients),
        clock=clock,
        issuers=HttpsIssuers(),
    )


def emergency(region: str) -> tuple[Emergency, Clock]:
    """What a failover into this Region uses."""
    return OneRegion(Clients(), region), system_clock()


def on_loopback() -> bool:
    """Calls cost next to nothing, and time may run fast."""
    return loopback_endpoint() is not None


def revisions(account: str, home_region: str) -> RevisionBucket:
    """The revision bucket of an account."""
    return RevisionBucket(Clients(), bucket_name(account, home_region), home_region)


def account(topology: Topology) -> str:
    """The account that the credentials are for."""
    return ports().cloud.account(topology)


def now() -> datetime:
    """AWS's time."""
    return system_clock().now()


def recorded(name: str, home_region: str, clients: Clients | None = None) -> Mapping[str, Any] | None:
    """The status document that the last pass left; None while there is none, or no table."""
    if clients is None:
        system_clock()  # says at once, and in words, that nothing listens at a loopback endpoint
    client = (clients or Clients()).reader("dynamodb", home_region)
    try:
        document: Mapping[str, Any] | None = status_document(client, name)
    except failures.AwsError as error:
        if failures.absent(error):
            return None
        raise failures.translated(error, f"dynamodb:GetItem on {TABLE}", home_region) from error
    return document
