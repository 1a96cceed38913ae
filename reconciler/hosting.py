"""The composition root of the control plane's functions: wake, reconcile and synth. What they are told, their environment says."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reconciler.aws.budgets import Budgets
from reconciler.aws.bundled import BundledRevisions
from reconciler.aws.clients import Clients
from reconciler.aws.clock import system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.queue import Queue
from reconciler.aws.recorded import read_recorded
from reconciler.aws.records import BucketRecords
from reconciler.aws.revisions import RevisionBucket
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer, default_cache
from reconciler.aws.template_store import OF_TOPOLOGIES, TemplateStore, publish
from reconciler.aws.templates import StoredSynthesizer
from reconciler.deliveries import Deliveries
from reconciler.hosted import Again, reconcile
from reconciler.loop import Ports
from reconciler.model.bundle import Refusal, Source
from reconciler.model.errors import LeaseLost
from reconciler.model.message import Message
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Synthesizer
from reconciler.receiving import Received, Receiver
from reconciler.report.refused import refused_status
from reconciler.waking import Names, Waker, reason
from reconciler.wiring import service_roles

TEMPLATES = OF_TOPOLOGIES
"""Keys of the templates that a topology can need."""

Bundled = Callable[[Clients, str, str, str, str, Path], Topology]
"""Lays the bundle of a topology out in a folder: clients, bucket, its Region, name, version, folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """What a function is told, and what it keeps from one invocation to the next."""

    clock: Clock
    clients: Clients
    bucket: RevisionBucket
    queue: Queue
    account: str
    home_region: str

    @staticmethod
    def here() -> Plane:
        clock, region = system_clock(), os.environ["MERIDIAN_HOME_REGION"]
        clients = Clients(Budgets(clock.speed))
        return Plane(
            clock=clock,
            clients=clients,
            bucket=RevisionBucket(clients, os.environ["MERIDIAN_BUCKET"], region),
            queue=Queue(clients, os.environ["MERIDIAN_QUEUE_URL"], region),
            account=os.environ["MERIDIAN_ACCOUNT"],
            home_region=region,
        )

    def recorded(self, name: str) -> Mapping[str, Any] | None:
        return read_recorded(self.clients, name, self.home_region).status


def waker() -> Callable[[Any], Names]:
    """What the function wake does with an event."""
    plane = Plane.here()
    own = frozenset(filter(None, os.environ.get("MERIDIAN_OWN_ROLES", "").split(",")))
    wake = Waker(names=plane.bucket.names, send=plane.queue.send, seconds=time.monotonic, own=own).wake

    def told(event: Any) -> Names:
        found = wake(event)
        _say(json.dumps({"function": "wake", "why": reason(event), "woken": found}))
        return found

    return told


def deliveries() -> Deliveries:
    """What the function reconcile does with messages."""
    plane = Plane.here()
    journal, records = (
        DynamoJournal(plane.clients),
        BucketRecords(plane.clients, plane.bucket.bucket, plane.home_region),
    )
    receiver = Receiver(
        revisions=plane.bucket, cache=default_cache(), account=plane.account, home_region=plane.home_region
    )

    def one_pass(received: Received, message: Message) -> Again:
        ports = hosted_ports(plane, journal, received.source)
        return reconcile(ports, received.topology, message=message, chance=random.random, records=records, lost=_lost)

    def refuse(name: str, refusal: Refusal) -> None:
        status = refused_status(name, refusal, plane.recorded(name), plane.clock.now())
        try:  # of a topology, the journal needs no more than where its record lies
            journal.record(cast("Topology", _Named(name=name, home_region=plane.home_region)), status)
        except LeaseLost:
            return  # somebody works on it, and writes the status anyhow

    return Deliveries(
        receive=lambda name: receiver.receive(name, plane.recorded(name)),
        reconcile=one_pass,
        refuse=refuse,
        send=lambda message, delay: plane.queue.send([message], delay),
        log=_say,
    )


def hosted_ports(plane: Plane, journal: DynamoJournal, source: Source) -> Ports:
    """Everything that a pass on a bundle needs."""
    return Ports(
        cloud=AwsCloud(plane.clients, plane.clock, service_roles(os.environ)),
        synthesizer=stored_synthesizer(plane.clients, source.bundle.version),
        revisions=BundledRevisions(source),
        journal=journal,
        clock=plane.clock,
        issuers=HttpsIssuers(),
    )


def stored_synthesizer(clients: Clients, version: str) -> Synthesizer:
    """Where the functions have their templates from; `version` is that of the bundle at hand."""
    return StoredSynthesizer(
        clients,
        os.environ["MERIDIAN_BUCKET"],
        os.environ["MERIDIAN_HOME_REGION"],
        os.environ.get("MERIDIAN_SYNTH_FUNCTION", ""),
        default_cache(),
        version=version,
    )


def bundled(clients: Clients, bucket: str, region: str, name: str, version: str, into: Path) -> Topology:
    """That version of a topology's bundle, or the newest for an empty one, laid out in a folder: what synth works on."""
    source = RevisionBucket(clients, bucket, region)
    receiver = Receiver(revisions=source, cache=into, account=os.environ["MERIDIAN_ACCOUNT"], home_region=region)
    return receiver.very(name, version)[0]


def store_templates(
    name: str, version: str, keys: Sequence[str], into: Path, *, load: Bundled = bundled
) -> Mapping[str, str]:
    """What the function synth is for: the templates of this version of a bundle, made where the bucket lacks them. Fingerprints by
    key. `into` is an empty folder for the bundle."""
    clients, bucket, region = Clients(), os.environ["MERIDIAN_BUCKET"], os.environ["MERIDIAN_HOME_REGION"]
    topology = load(clients, bucket, region, name, version, into)
    return publish(topology, keys, TemplateStore(clients, bucket, region), CachedSynthesizer())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    name: str
    home_region: str


def _lost(why: str) -> None:
    _say(json.dumps({"function": "reconcile", "level": "warning", "event": "record lost", "why": why}))


def _say(line: str) -> None:
    """One line of Lambda's log, JSON."""
    print(line, flush=True)  # noqa: T201
