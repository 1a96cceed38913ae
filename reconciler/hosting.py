"""The composition root of the functions in Lambda: what stands behind `handlers/wake` and `handlers/reconcile`."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reconciler.aws.bundled import BundledRevisions
from reconciler.aws.clients import Clients
from reconciler.aws.clock import system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.queue import Queue
from reconciler.aws.revisions import RevisionBucket
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer, default_cache
from reconciler.deliveries import Again, Deliveries
from reconciler.loop import Ports
from reconciler.model.bundle import Refusal, Source
from reconciler.model.errors import LeaseLost
from reconciler.model.message import Message
from reconciler.model.topology import Topology
from reconciler.ports import Clock
from reconciler.receiving import Received, Receiver
from reconciler.report.refused import refused_status
from reconciler.waking import Names, Waker
from reconciler.wiring import recorded


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
        return receiver.receive(name, _status(hosted, name))

    def one_pass(received: Received, message: Message) -> Again:
        # Part "loop" brings the module.
        from reconciler.hosted import reconcile  # type: ignore[import-not-found]  # noqa: PLC0415

        ports = hosted_ports(hosted.clients, clock, journal, received.source)
        again: Again = reconcile(ports, received.topology, message=message, chance=random.random)
        return again

    def refuse(name: str, refusal: Refusal) -> None:
        status = refused_status(name, refusal, _status(hosted, name), clock.now())
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


def _status(hosted: Hosted, name: str) -> Mapping[str, Any] | None:
    return recorded(name, hosted.home_region, hosted.clients)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    name: str
    home_region: str


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # Lambda's log
