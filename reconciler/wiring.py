"""The composition root: which adapters stand behind the ports. Import it late, it brings boto3 along."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from cdk_app.code import shipped
from cdk_app.machine import host
from reconciler.aws import failures
from reconciler.aws.approvals import Approvals
from reconciler.aws.budgets import Budgets
from reconciler.aws.clients import Clients
from reconciler.aws.clock import WallClock, loopback_endpoint, system_clock
from reconciler.aws.cloud import AwsCloud
from reconciler.aws.control import AwsControlPlane
from reconciler.aws.emergency import OneRegion
from reconciler.aws.git import commit_at_hand, committed, ignored, repository
from reconciler.aws.issuer import HttpsIssuers
from reconciler.aws.pages import link
from reconciler.aws.queue import Queue
from reconciler.aws.read_preflight import AwsSurveyor
from reconciler.aws.recorded import Recorded, read_recorded
from reconciler.aws.records import BucketRecords, FolderRecords, read
from reconciler.aws.revision import GitRevisions, desired_digest
from reconciler.aws.revisions import RevisionBucket, folder_of
from reconciler.aws.state import DynamoJournal, Suspensions
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.aws.template_store import publish_templates as published
from reconciler.aws.writing import ServiceRoles
from reconciler.loop import Ports
from reconciler.model.control import queue_url, revision_bucket
from reconciler.model.errors import ReconcilerError
from reconciler.model.message import Message
from reconciler.model.outcome import Revision
from reconciler.model.topology import Topology
from reconciler.ports import Clock, Cloud, ControlPlane, Emergency, Records, Synthesizer

BUCKET, HOME_REGION = "MERIDIAN_BUCKET", "MERIDIAN_HOME_REGION"

__all__ = [
    "account",
    "approvals",
    "caller",
    "commit_at_hand",
    "committed",
    "control_plane",
    "desired_digest",
    "emergency",
    "folder_of",
    "host",
    "ignored",
    "now",
    "on_loopback",
    "ports",
    "publish_templates",
    "record",
    "recorded",
    "records",
    "repository",
    "revision_at_hand",
    "revisions",
    "shipped",
    "suspensions",
    "wake",
    "watched",
]


def ports(*, offline: bool = False) -> Ports:
    """Everything a pass needs. Clients are made when they are first used, so `offline` only means that nobody asks AWS
    for the time."""
    clock = WallClock() if offline else system_clock()
    clients, synthesizer = Clients(Budgets(clock.speed)), CachedSynthesizer()
    return Ports(
        cloud=AwsCloud(clients, clock, ServiceRoles.told(os.environ), synthesizer),
        synthesizer=synthesizer,
        revisions=GitRevisions(),
        journal=DynamoJournal(clients),
        clock=clock,
        issuers=HttpsIssuers(),
        surveyor=AwsSurveyor(clients),
    )


def control_plane() -> tuple[ControlPlane, Cloud, Synthesizer, Clock]:
    """What `bootstrap` uses. It acts with the rights of whoever calls: the roles that it makes must not be able to change it."""
    clients, clock = Clients(), system_clock()
    return AwsControlPlane(clients), AwsCloud(clients, clock), CachedSynthesizer(), clock


def emergency(region: str) -> tuple[Emergency, Clock]:
    """What a failover into this Region uses."""
    return OneRegion(Clients(), region), system_clock()


def records(folder: Path | None, home_region: str) -> Records | None:
    """Where passes leave their records: in this folder, else in the revision bucket, if the environment names one."""
    if folder:
        return FolderRecords(folder)
    bucket = os.environ.get(BUCKET)
    return BucketRecords(Clients(), bucket, os.environ.get(HOME_REGION, home_region)) if bucket else None


def page_link(bucket: str, key: str, home_region: str) -> str:
    """A link to an object, signed with the credentials at hand. Raises `ReconcilerError`."""
    return link(bucket, key, home_region)


def record(run: str, most: int) -> bytes:
    """The bytes of a record, by the name of its file or object; at most one more than `most`."""
    return read(Clients, run, bucket=os.environ.get(BUCKET), region=os.environ.get(HOME_REGION), most=most)


def on_loopback() -> bool:
    """Calls cost next to nothing, and time may run fast."""
    return loopback_endpoint() is not None


def recorded(name: str, home_region: str) -> Recorded:
    """The status document that the last pass left and what is suspended; neither while there is none, or no table."""
    system_clock()  # says at once, and in words, that nothing listens at a loopback endpoint
    return read_recorded(Clients(), name, home_region)


def watched() -> tuple[Callable[[str, str], Recorded], Clock]:
    """`recorded` for whoever asks again and again, and AWS's time to wait by."""
    clients, clock = Clients(), system_clock()
    return partial(read_recorded, clients), clock


def suspensions(home_region: str) -> Suspensions:
    """Where `suspend` and `resume` write."""
    return Suspensions(Clients(), home_region)


def approvals(home_region: str) -> Approvals:
    """Where `approve` writes."""
    return Approvals(Clients(), home_region)


def wake(name: str, home_region: str, by: str, why: str) -> str:
    """Asks for a pass at once, in the account of the caller `by`. Gives why it could not: the timer finds it then."""
    message, account = Message(topology=name, reason=why), by.split(":")[4]
    try:
        Queue(Clients(), queue_url(account, home_region), home_region).send([message])
    except ReconcilerError as error:
        return error.message
    return ""


def revisions(account: str, home_region: str) -> RevisionBucket:
    """The revision bucket of an account."""
    return RevisionBucket(Clients(), revision_bucket(account, home_region), home_region)


def publish_templates(topology: Topology) -> Mapping[str, str]:
    """Before a bundle is uploaded: all templates that it can need, made here, into the revision bucket."""
    bucket = revision_bucket(topology.account, topology.home_region)
    return published(topology, Clients(), bucket, topology.home_region)


def account(topology: Topology) -> str:
    """The account that the credentials are for."""
    return ports().cloud.account(topology)


def revision_at_hand(topology: Topology, recorded: Mapping[str, Any] | None) -> Revision:
    """What a pass of the command takes for desired, given the last status."""
    return GitRevisions().revision(topology, recorded)


def now() -> datetime:
    """AWS's time."""
    return system_clock().now()


def caller(home_region: str) -> str:
    """Who the credentials are: the ARN that AWS knows them by."""
    client = Clients().reader("sts", home_region)
    try:
        return str(client.get_caller_identity()["Arn"])
    except failures.AwsError as error:
        raise failures.translated(error, "sts:GetCallerIdentity", home_region) from error
