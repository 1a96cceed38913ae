"""The composition root: which adapters stand behind the ports. Import it late, it brings boto3 along."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.clock import WallClock, loopback_endpoint, system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.emergency import OneRegion
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.read_global import TABLE, status_document
from reconciler.aws.revision import GitRevisions
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.aws.template_store import OF_TOPOLOGIES, TemplateStore, publish
from reconciler.aws.template_store import publish_templates as published
from reconciler.aws.templates import StoredSynthesizer
from reconciler.loop import Ports
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Emergency, Synthesizer

TEMPLATES = OF_TOPOLOGIES
"""Keys of the templates that a topology can need."""

Bundled = Callable[[Clients, str, str, str, str, Path], Topology]
"""Lays the bundle of a topology out in a folder: clients, bucket, its Region, name, version, folder."""


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


def stored_synthesizer(clients: Clients, version: str) -> Synthesizer:
    """Where the functions have their templates from; `version` is that of the bundle at hand."""
    return StoredSynthesizer(
        clients,
        os.environ["MERIDIAN_BUCKET"],
        os.environ["MERIDIAN_HOME_REGION"],
        os.environ.get("MERIDIAN_SYNTH_FUNCTION", ""),
        Path(os.environ["MERIDIAN_CACHE"]),
        version=version,
    )


def bundled(clients: Clients, bucket: str, region: str, name: str, version: str, into: Path) -> Topology:
    """The topology of that version of its bundle, verified and laid out in the folder `into`. Raises `ReconcilerError`."""
    revisions, receiving = import_module("reconciler.aws.revisions"), import_module("reconciler.receiving")
    kept = revisions.RevisionBucket(clients, bucket, region)
    account = os.environ["MERIDIAN_ACCOUNT"]
    receiver = receiving.Receiver(revisions=kept, cache=into, account=account, home_region=region)
    topology: Topology = receiver.very(name, version)[0]
    return topology


def publish_templates(topology: Topology) -> Mapping[str, str]:
    """Before a bundle is uploaded: all templates that it can need, made here, into the revision bucket."""
    bucket = f"meridian-revisions-{topology.account}-{topology.home_region}"
    return published(topology, Clients(), bucket, topology.home_region)


def store_templates(
    name: str, version: str, keys: Sequence[str], into: Path, *, load: Bundled = bundled
) -> Mapping[str, str]:
    """What the function synth is for: the templates of this version of a bundle, made where the bucket lacks them. Fingerprints by
    key. `into` is an empty folder for the bundle."""
    clients, bucket, region = Clients(), os.environ["MERIDIAN_BUCKET"], os.environ["MERIDIAN_HOME_REGION"]
    topology = load(clients, bucket, region, name, version, into)
    return publish(topology, keys, TemplateStore(clients, bucket, region), CachedSynthesizer())
