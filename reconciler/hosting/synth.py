"""What the function synth is made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reconciler.aws.clients import Clients
from reconciler.aws.revisions import RevisionBucket
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.aws.template_store import OF_TOPOLOGIES, TemplateStore, publish
from reconciler.logs import say
from reconciler.model.logged import Line
from reconciler.model.topology import Topology
from reconciler.receiving import Receiver

__all__ = ["TEMPLATES", "Line", "say", "store_templates"]
TEMPLATES = OF_TOPOLOGIES
"""Keys of the templates that a topology can need."""

Bundled = Callable[[Clients, str, str, str, str, Path], Topology]
"""Lays the bundle of a topology out in a folder: clients, bucket, its Region, name, version, folder."""


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
