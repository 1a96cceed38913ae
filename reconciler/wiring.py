"""The composition root: which adapters stand behind the ports. Import it late, it brings boto3 along."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from cdk_app.code import shipped
from reconciler.aws import failures
from reconciler.aws.bundled import BundledRevisions
from reconciler.aws.clients import Clients
from reconciler.aws.clock import WallClock, loopback_endpoint, system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.emergency import OneRegion
from reconciler.aws.git import commit_at_hand, ignored
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.queue import Queue
from reconciler.aws.read_global import TABLE, status_document
from reconciler.aws.revision import GitRevisions
from reconciler.aws.revisions import RevisionBucket, bucket_name, folder_of
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer, default_cache
from reconciler.deliveries import Again, Deliveries
from reconciler.loop import Ports
from reconciler.model.bundle import Refusal, Source
from reconciler.model.errors import LeaseLost
from reconciler.model.message import Message
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Emergency
from reconciler.receiving import Received, Receiver
from reconciler.report.refused import refused_status
from reconciler.waking import Names, Waker

__all__ = [
    "account",
    "bundled",
    "commit_at_hand",
    "deliveries",
    "emergency",
    "folder_of",
    "hosted_ports",
    "ignored",
    "now",
    "on_loopback",
    "ports",
    "recorded",
    "revisions",
    "shipped",
    "waker",
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


def recorded(name: str, home_region: str) -> Mapping[str, Any] | None:
    """The status document that the last pass left; None while there is none, or no table."""
    system_clock()  # says at once, and in words, that nothing listens at a loopback endpoint
    return _recorded(Clients(), name, home_region)


def _recorded(clients: Clients, name: str, home_region: str) -> Mapping[str, Any] | None:
    client = clients.reader("dynamodb", home_region)
    try:
        document: Mapping[str, Any] | None = status_document(client, name)
    except failures.AwsError as error:
        if failures.absent(error):
            return None
        raise failures.translated(error, f"dynamodb:GetItem on {TABLE}", home_region) from error
    return document


# ---- in Lambda ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """What the functions are told by their environment, and what they keep from one invocation to the next."""

    clients: Clients
    bucket: RevisionBucket
    queue: Queue
    account: str
    home_region: str

    @staticmethod
    def here() -> Hosted:
        clients, region = Clients(), os.environ["MERIDIAN_HOME_REGION"]
        return Hosted(
            clients=clients,
            bucket=RevisionBucket(clients, os.environ["MERIDIAN_BUCKET"], region),
            queue=Queue(clients, os.environ["MERIDIAN_QUEUE_URL"], region),
            account=os.environ["MERIDIAN_ACCOUNT"],
            home_region=region,
        )

    def receiver(self) -> Receiver:
        return Receiver(
            revisions=self.bucket, cache=default_cache(), account=self.account, home_region=self.home_region
        )


def waker() -> Callable[[Any], Names]:
    """What the function wake does with an event."""
    hosted = Hosted.here()
    own = frozenset(filter(None, os.environ.get("MERIDIAN_OWN_ROLES", "").split(",")))
    return Waker(names=hosted.bucket.names, send=hosted.queue.send, seconds=time.monotonic, own=own).wake


def deliveries() -> Deliveries:
    """What the function reconcile does with messages."""
    hosted, clock = Hosted.here(), system_clock()
    journal, receiver = DynamoJournal(hosted.clients), hosted.receiver()

    def receive(name: str) -> Received | Refusal | None:
        return receiver.receive(name, _recorded(hosted.clients, name, hosted.home_region))

    def one_pass(received: Received, message: Message) -> Again:
        # Part "loop" brings the module.
        from reconciler.hosted import reconcile  # type: ignore[import-not-found]  # noqa: PLC0415

        ports = hosted_ports(hosted.clients, clock, journal, received.source)
        again: Again = reconcile(ports, received.topology, message=message, chance=random.random)
        return again

    def refuse(name: str, refusal: Refusal) -> None:
        status = refused_status(name, refusal, _recorded(hosted.clients, name, hosted.home_region), clock.now())
        try:  # of a topology, the journal needs no more than where its record lies
            journal.record(cast("Topology", _Named(name=name, home_region=hosted.home_region)), status)
        except LeaseLost:
            return  # somebody works on it, and writes the status anyhow

    return Deliveries(
        receive=receive,
        reconcile=one_pass,
        refuse=refuse,
        send=lambda message, delay: hosted.queue.send([message], delay),
        log=_print,
    )


def hosted_ports(clients: Clients, clock: Clock, journal: DynamoJournal, source: Source) -> Ports:
    """Everything that a pass on a bundle needs."""
    return Ports(
        cloud=AwsCloud(clients, clock),
        synthesizer=CachedSynthesizer(),  # part "package" brings the one that needs no CDK: stored_synthesizer(clients, version)
        revisions=BundledRevisions(source),
        journal=journal,
        clock=clock,
        issuers=HttpsIssuers(),
    )


def bundled(clients: Clients, bucket: str, region: str, name: str, version: str, into: Path) -> Topology:
    """That version of a topology's bundle, or the newest for an empty one, laid out in a folder: what `synth` works on."""
    source = RevisionBucket(clients, bucket, region)
    receiver = Receiver(revisions=source, cache=into, account=os.environ["MERIDIAN_ACCOUNT"], home_region=region)
    return receiver.very(name, version)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    name: str
    home_region: str


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # Lambda's log
