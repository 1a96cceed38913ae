"""What the function reconcile is made of."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, cast

from reconciler.announcing import Announcing, Outlets
from reconciler.aws.bundled import BundledRevisions
from reconciler.aws.clients import Clients
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.notices import TopicNotifier
from reconciler.aws.pages import BucketPages
from reconciler.aws.recorded import read_recorded
from reconciler.aws.records import BucketRecords
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import default_cache
from reconciler.aws.templates import StoredSynthesizer
from reconciler.aws.writing import ServiceRoles
from reconciler.deliveries import Deliveries
from reconciler.detecting import ChangeSets
from reconciler.hosted import reconcile
from reconciler.hosting.plane import Plane
from reconciler.logs import say
from reconciler.loop import Ports
from reconciler.model.again import Again
from reconciler.model.bundle import Refusal, Source
from reconciler.model.errors import LeaseLost
from reconciler.model.logged import Line
from reconciler.model.message import Message
from reconciler.model.topology import Topology
from reconciler.ports import Synthesizer
from reconciler.receiving import Received, Receiver
from reconciler.report.metrics import cut
from reconciler.report.refused import refused_status


def deliveries() -> Deliveries:
    """What the function reconcile does with messages."""
    plane = Plane.here()
    journal = DynamoJournal(plane.clients)
    records = BucketRecords(plane.clients, plane.bucket.bucket, plane.home_region)
    receiver = Receiver(
        revisions=plane.bucket, cache=default_cache(), account=plane.account, home_region=plane.home_region
    )

    def recorded(name: str) -> Mapping[str, Any] | None:
        return read_recorded(plane.clients, name, plane.home_region).status

    def one_pass(received: Received, message: Message) -> Again:
        ports = hosted_ports(plane, journal, received.source)
        asked: dict[str, Any] = {"message": message, "chance": random.random, "records": records}
        lost, outlets = partial(_lost, message.topology), told_by(plane, message.topology)
        return reconcile(ports, received.topology, **asked, lost=lost, outlets=outlets)

    def refuse(name: str, refusal: Refusal) -> None:
        # Of a topology, the journal needs no more than where its record lies.
        topology = cast("Topology", _Named(name=name, home_region=plane.home_region))
        telling = Announcing(journal, told_by(plane, name), plane.clock)
        try:
            before = telling.recorded(topology)
            telling.record(topology, refused_status(name, refusal, before, plane.clock.now()))
        except LeaseLost:
            return  # somebody works on it, and writes the status anyhow
        telling.tell(topology)

    return Deliveries(
        receive=lambda name: receiver.receive(name, recorded(name)),
        reconcile=one_pass,
        refuse=refuse,
        send=lambda message, delay: plane.queue.send([message], delay),
        log=say,
        now=plane.clock.now,
    )


def told_by(plane: Plane, name: str) -> Outlets:
    """Where passes over a topology tell of themselves: the topic, and the page in the bucket."""
    topic = os.environ.get("MERIDIAN_EVENTS_TOPIC", "")
    return Outlets(
        notifier=TopicNotifier(plane.clients, topic, plane.home_region) if topic else None,
        pages=BucketPages(plane.clients, plane.bucket.bucket, plane.home_region),
        page=_page,
        untold=partial(_untold, name),
    )


def _page(status: Mapping[str, Any], at: datetime) -> str:
    from reconciler.report.html import page  # noqa: PLC0415  # its templates cost a pass that makes no page nothing

    return page([status], at)


def hosted_ports(plane: Plane, journal: DynamoJournal, source: Source) -> Ports:
    """Everything that a pass on a bundle needs."""
    synthesizer = stored_synthesizer(plane.clients, source.bundle.version)
    ports = Ports(
        cloud=AwsCloud(plane.clients, plane.clock, ServiceRoles.told(os.environ), synthesizer),
        synthesizer=synthesizer,
        revisions=BundledRevisions(source),
        journal=journal,
        clock=plane.clock,
        issuers=HttpsIssuers(),
    )
    return replace(ports, detector=ChangeSets(ports))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    name: str
    home_region: str


def _lost(topology: str, why: str) -> None:
    say(Line(event="record", code="RecordLost", topology=topology, more={"told": cut(why)}))


def _untold(topology: str, why: str) -> None:
    say(Line(event="notice", code="Untold", topology=topology, more={"told": cut(why)}))
