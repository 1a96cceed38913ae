"""The composition root: which adapters stand behind the ports. Import it late, it brings boto3 along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.aws import failures
from reconciler.aws.clients import Clients
from reconciler.aws.clock import WallClock, loopback_endpoint, system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.emergency import OneRegion
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.read_global import TABLE, status_document
from reconciler.aws.records import BucketRecords, FolderRecords, read
from reconciler.aws.revision import GitRevisions
from reconciler.aws.state import DynamoJournal
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.loop import Ports
from reconciler.ports import Clock, Emergency, Records

BUCKET, HOME_REGION = "MERIDIAN_BUCKET", "MERIDIAN_HOME_REGION"


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


def records(folder: Path | None, home_region: str) -> Records | None:
    """Where passes leave their records: in this folder, else in the revision bucket, if the environment names one."""
    if folder:
        return FolderRecords(folder)
    bucket = os.environ.get(BUCKET)
    return BucketRecords(Clients(), bucket, os.environ.get(HOME_REGION, home_region)) if bucket else None


def record(run: str, most: int) -> bytes:
    """The bytes of a record, by the name of its file or object; at most one more than `most`."""
    return read(Clients, run, bucket=os.environ.get(BUCKET), region=os.environ.get(HOME_REGION), most=most)


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
