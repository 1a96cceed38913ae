"""Aurora: one global database with a cluster per Region; joining, moving the writer, leaving, upgrading, each in its time."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fakes.aws.refusal import Refusal, require
from tests.fakes.aws.timeline import Timeline

ACCOUNT = "111111111111"
RESTART = 60.0
"""Seconds without a writer while its engine is upgraded."""
STATE_FAULT = "InvalidGlobalClusterStateFault"


@dataclass
class Cluster:
    region: str
    identifier: str
    version: str
    settings: Mapping[str, Any]
    status: str = "creating"
    instances: dict[str, str] = field(default_factory=dict)
    protected: bool = True
    member: bool = False
    connected: bool = False
    secret: bool = False
    """The master's password was given with it."""

    @property
    def arn(self) -> str:
        return f"arn:aws:rds:{self.region}:{ACCOUNT}:cluster:{self.identifier}"

    @property
    def available(self) -> bool:
        return self.status == "available" and all(s == "available" for s in self.instances.values())

    @property
    def reads(self) -> bool:
        return any(s == "available" for s in self.instances.values())


@dataclass
class Group:
    """The global cluster. `moving`: status, from and to of a switchover under way."""

    identifier: str
    version: str
    members: list[str] = field(default_factory=list)
    writer: str | None = None
    moving: tuple[str, str, str] | None = None
    protected: bool = True


class Aurora:
    def __init__(self, timeline: Timeline, chaos: random.Random) -> None:
        self.timeline, self.chaos = timeline, chaos
        self.group: Group | None = None
        self.clusters: dict[str, Cluster] = {}
        self.snapshots: dict[str, list[str]] = {}
        """Region to the final snapshots that deletions left."""
        self.silences: list[list[float]] = []
        """[begin, end] of each time without a writer that took writes: switchovers, restarts of the writer."""
        self.switchovers_fail = False
        self.lags: dict[str, tuple[float, float]] = {}
        """Region to (until when, milliseconds) of a lag that is worse than usual."""

    # ---- the global cluster ----

    def create_group(self, identifier: str, version: str) -> None:
        require(self.group is None, "GlobalClusterAlreadyExistsFault", identifier)
        self.group = Group(identifier, version)

    def set_group_version(self, version: str) -> None:
        """The one that it has is no change; another minor one is for its members to take."""
        why = "ModifyGlobalCluster only supports Major Version Upgrades"
        require(self._group().version == version, "InvalidParameterValue", why)

    def unprotect_group(self) -> None:
        if self.group:
            self.group.protected = False

    def protect_group(self) -> None:
        self._group().protected = True

    def delete_group(self) -> None:
        if self.group is None:
            return
        require(not self.group.members, STATE_FAULT, f"it still has {self.group.members}")
        require(not self.group.protected, "InvalidParameterCombination", "deletion protection is on")
        self.group = None

    def _no_move(self, cluster: Cluster) -> None:
        """While the writer moves, no member is changed."""
        moving = self.group is not None and cluster.member and self.group.moving
        require(not moving, "InvalidDBClusterStateFault", f"the writer moves: {moving}", passes=True)

    def _group(self) -> Group:
        if self.group is None:
            raise Refusal("GlobalClusterNotFoundFault", "there is no global cluster")
        return self.group

    # ---- clusters, as stacks make them ----

    def create(self, region: str, identifier: str, properties: Mapping[str, Any]) -> None:
        group = self._group()
        secret = "MasterUserPassword" in properties
        require(region not in self.clusters, "DBClusterAlreadyExistsFault", identifier)
        same = properties["EngineVersion"] == group.version
        require(
            same, "InvalidParameterValue", f"Value for engineVersion should match global cluster {group.identifier}"
        )
        if group.members:
            require(not secret, "InvalidParameterCombination", f"{region} joins: it cannot have a password")
            source = self.clusters[group.writer or group.members[0]]
            require(group.moving is None, STATE_FAULT, "the writer is moving")
            require(source.status == "available", "InvalidDBClusterStateFault", f"{source.region} is {source.status}")
            require(properties["EngineVersion"] == source.version, "InvalidParameterCombination", "versions differ")
        else:
            require(secret, "InvalidParameterValue", "Invalid master password")
        cluster = Cluster(region, identifier, properties["EngineVersion"], properties, member=True, secret=secret)
        self.clusters[region] = cluster
        group.members.append(region)
        group.writer = group.writer or region

    def created(self, region: str) -> None:
        """The cluster stands; its instances follow."""
        cluster = self.clusters[region]
        cluster.status = "available"

    def add_instances(self, region: str, names: list[str], status: str) -> None:
        cluster = self.clusters[region]
        for name in names:
            cluster.instances.setdefault(name, status)
            cluster.instances[name] = status
        if status == "available" and self.group and self.group.writer != region:
            cluster.connected = True
            self.lags[region] = (self.timeline.now + self.chaos.uniform(0, 240), 20_000)

    def modify(self, region: str, properties: Mapping[str, Any]) -> None:
        """CloudFormation applies at once. The group leaves only with the property, which no template may lose."""
        cluster = self.clusters[region]
        self._no_move(cluster)
        require(
            properties.get("GlobalClusterIdentifier") is not None, "Detached", f"{region} leaves its global database"
        )
        adds_secret = "MasterUserPassword" in properties and not cluster.secret
        writes = self.group is not None and self.group.writer == region
        require(
            not adds_secret or writes or not cluster.member,
            "InvalidParameterCombination",
            f"password of reader {region}",
        )
        cluster.secret = cluster.secret or adds_secret
        if properties["EngineVersion"] != cluster.version:
            self._upgrade(cluster, properties["EngineVersion"])
        cluster.settings = properties

    def _upgrade(self, cluster: Cluster, version: str) -> None:
        """Readers first. Instances restart one after another; at the writer, that interrupts writes."""
        group = self._group()
        others = [self.clusters[r] for r in group.members if r != cluster.region]
        require(_number(version) > _number(cluster.version), "InvalidParameterCombination", "a downgrade")
        if group.writer == cluster.region:
            behind = [c.region for c in others if c.version != version]
            require(not behind, "InvalidDBClusterStateFault", f"{behind} must be upgraded before the writer")
            self.silences.append([self.timeline.now, float("inf")])
            self.timeline.after(RESTART, partial(self._restarted, self.silences[-1]))
        cluster.version = version
        if group.writer == cluster.region:
            group.version = version

    def _restarted(self, silence: list[float]) -> None:
        silence[1] = self.timeline.now

    def delete_instance(self, region: str, name: str) -> None:
        cluster = self.clusters.get(region)
        if cluster is None or name not in cluster.instances:
            return
        going = cluster.instances[name] == "deleting"
        require(not going, "InvalidDBInstanceState", f"{name} is already being deleted", passes=True)
        require(not cluster.member, STATE_FAULT, f"{region} would become headless")  # AWS lets it; we never want it
        cluster.instances[name] = "deleting"
        self.timeline.after(self.chaos.uniform(120, 500), partial(cluster.instances.pop, name, None))

    def delete(self, region: str, snapshot: str) -> None:
        """Refused for a member, for one that is protected or has instances, and where a snapshot has that name."""
        cluster = self.clusters.get(region)
        if cluster is None:
            return
        require(not cluster.protected, "InvalidParameterCombination", "Cannot delete protected Cluster")
        require(not cluster.member, STATE_FAULT, f"{region} is a member of the global database")
        require(not cluster.instances, "InvalidDBClusterStateFault", f"it has instances: {cluster.instances}")
        require(
            cluster.status == "available", "InvalidDBClusterStateFault", f"{region} is {cluster.status}", passes=True
        )
        require(snapshot not in self.snapshots.get(region, ()), "DBClusterSnapshotAlreadyExistsFault", snapshot)
        cluster.status = "deleting"
        self.snapshots.setdefault(region, []).append(snapshot)
        self.timeline.after(self.chaos.uniform(180, 600), partial(self.clusters.pop, region, None))

    def undo_creation(self, region: str) -> None:
        """A creation that rolls back keeps nothing of it, and may unprotect what it has just made."""
        if region in self.clusters:
            if self.clusters[region].member:
                self._left(region)
            del self.clusters[region]

    def _left(self, region: str) -> None:
        group = self._group()
        self.clusters[region].member = False
        group.members.remove(region)
        if group.writer == region:
            group.writer = group.members[0] if group.members else None

    # ---- moves ----

    def switch_over(self, target: str, asked_in: str) -> None:
        group = self._group()
        if group.writer == target or (group.moving and group.moving[2] == target):
            return
        require(group.writer == asked_in, STATE_FAULT, f"asked in {asked_in}, and {group.writer} writes")
        require(group.moving is None, STATE_FAULT, f"a switchover to {group.moving} is under way", passes=True)
        require(target in group.members, "DBClusterNotFoundFault", f"{target} is no member")
        writer = group.writer or ""
        for region in group.members:
            cluster = self.clusters[region]
            require(cluster.available, "InvalidDBClusterStateFault", f"{region} is {cluster.status}")
            require(cluster.version == self.clusters[writer].version, STATE_FAULT, "engine versions differ")
            require(region == writer or cluster.connected, STATE_FAULT, f"{region} is not connected")
        require(bool(self.clusters[target].instances), STATE_FAULT, f"{target} has no instance")
        group.moving = ("pending", writer, target)
        for region in (writer, target):
            self.clusters[region].status = "switching-over"
        self.timeline.after(self.chaos.uniform(3, 15), self._switching)

    def _switching(self) -> None:
        group = self._group()
        assert group.moving
        _, writer, target = group.moving
        group.moving = ("switching-over", writer, target)
        self.silences.append([self.timeline.now, float("inf")])
        self.timeline.after(self.chaos.uniform(30, 180), self._switched)

    def _switched(self) -> None:
        group = self._group()
        assert group.moving
        _, writer, target = group.moving
        back = self.switchovers_fail
        group.writer = writer if back else target
        group.moving = None
        self.silences[-1][1] = self.timeline.now
        for region in (writer, target):
            self.clusters[region].status = "available"
        loser = self.clusters[target if back else writer]
        self.clusters[group.writer].connected = True
        loser.connected = False
        self.timeline.after(self.chaos.uniform(20, 120), partial(self._connect, loser.region))

    def _connect(self, region: str) -> None:
        if region in self.clusters:
            self.clusters[region].connected = True

    def detach(self, region: str) -> None:
        group, cluster = self._group(), self.clusters.get(region)
        if cluster is None or not cluster.member:
            return
        require(group.moving is None, STATE_FAULT, "the writer is moving", passes=True)
        require(
            group.writer != region or len(group.members) == 1,
            STATE_FAULT,
            f"{region} writes, {group.members} follow it",
        )
        require(
            cluster.status == "available", "InvalidDBClusterStateFault", f"{region} is {cluster.status}", passes=True
        )
        cluster.status = "promoting"
        self.timeline.after(self.chaos.uniform(60, 180), partial(self._detached, region))

    def _detached(self, region: str) -> None:
        self._left(region)
        self.clusters[region].status = "available"

    def unprotect(self, region: str) -> None:
        cluster = self.clusters.get(region)
        if cluster is None:
            return
        self._no_move(cluster)
        require(
            cluster.status == "available", "InvalidDBClusterStateFault", f"{region} is {cluster.status}", passes=True
        )
        cluster.protected = False

    def put_back(self, region: str, settings: Mapping[str, Any]) -> None:
        """ModifyDBCluster, as far as clusters here have settings."""
        cluster = self.clusters.get(region)
        if cluster is None:
            raise Refusal("DBClusterNotFoundFault", region, passes=True)
        self._no_move(cluster)
        require(
            cluster.status == "available", "InvalidDBClusterStateFault", f"{region} is {cluster.status}", passes=True
        )
        cluster.protected = settings.get("DeletionProtection", cluster.protected)
        cluster.settings = {**cluster.settings, **{k: v for k, v in settings.items() if k in cluster.settings}}

    # ---- what clients and metrics see ----

    def takes_writes(self) -> bool:
        silent = any(begin <= self.timeline.now < end for begin, end in self.silences[-4:])
        return self.group is not None and self.group.writer is not None and not silent

    def lag_ms(self, region: str) -> float:
        until, worse = self.lags.get(region, (0.0, 0.0))
        return worse if self.timeline.now < until else 80.0


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
