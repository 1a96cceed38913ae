"""One AWS account: the services together, and what stack operations do to them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from reconciler.model.stacks import StackKind, StackRef
from tests.fakes.aws.aurora import ACCOUNT, Aurora
from tests.fakes.aws.cloudfront import CloudFront
from tests.fakes.aws.ledger import Ledger
from tests.fakes.aws.refusal import Refusal, require
from tests.fakes.aws.regions import Regions
from tests.fakes.aws.route53 import Route53
from tests.fakes.aws.stacks import Applied, CloudFormation
from tests.fakes.aws.templates import OUTPUTS
from tests.fakes.aws.timeline import Timeline

DISTRIBUTION = "d1.cloudfront.net."
HOME = "us-east-1"


class Account:
    def __init__(self, seed: int = 0) -> None:
        self.chaos = random.Random(seed)
        self.timeline = Timeline()
        self.aurora = Aurora(self.timeline, self.chaos)
        self.regions = Regions(self.timeline, self.chaos)
        self.ledger = Ledger(self.timeline, self.chaos, self.aurora, self.regions)
        self.route53 = Route53(self.timeline, self.chaos, self.answers)
        self.cloudfront = CloudFront(self.timeline, self.chaos)
        self.stacks = CloudFormation(self.timeline, self.chaos, self)
        self.routers: dict[str, int] = {}
        """Logical id of a router's version in the edge stack, to its number."""
        self.table = False
        """Table meridian-state exists."""
        self.documents: dict[str, str] = {}
        """What that table holds, by topology."""
        self.approval: Mapping[str, Any] | None = None

    def answers(self, region: str) -> bool:
        """Whether the Region's API answers: its function works and can read its database."""
        cluster = self.aurora.clusters.get(region)
        return self.regions.works(region) and cluster is not None and cluster.reads

    def cut(self, region: str, *, cut: bool) -> None:
        """The Region's data plane fails, or comes back."""
        self.regions[region].cut = cut
        self.regions[region].cut_at = self.timeline.now
        self._api_changed(region)

    # ---- what stacks do: `start` part of the way through, `finish` at the end, `undo` where one failed ----

    def start(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None:
        match ref.kind:
            case StackKind.DATA if new and not old:
                self.regions[ref.region].network = True
                found = properties(new, ref, "Cluster")
                self.aurora.create(ref.region, found["DBClusterIdentifier"], found)
            case StackKind.DATA if new and old and properties(new, ref, "Cluster") != properties(old, ref, "Cluster"):
                self.aurora.clusters[ref.region].status = "modifying"
            case StackKind.DATA if old and not new:
                self._drop_data(ref.region)
            case StackKind.API if old and not new:
                self._drop_api(ref)
            case StackKind.ROUTING:
                self._put_records(ref, old, new)
            case StackKind.EDGE if old and not new:
                self._drop_records(ref, old, ("A",))
            case StackKind.EDGE if new:
                self._put_distribution(ref, old, new)

    def finish(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None:
        match ref.kind:
            case StackKind.FOUNDATION:
                self.table = self.table or bool(new and "State" in new.template["Resources"])
            case StackKind.GLOBAL:
                self._global(ref, old, new)
            case StackKind.DATA:
                self._data(ref, old, new)
            case StackKind.API if new:
                self._put_api(ref, new)
            case StackKind.EDGE if new:
                self.route53.upsert(properties(new, ref, "A"))
            case StackKind.EDGE:
                self.cloudfront.delete()
                self.route53.moves += 1

    def undo(self, ref: StackRef, old: Applied | None, new: Applied) -> None:
        match ref.kind:
            case StackKind.DATA if old is None:
                self.aurora.undo_creation(ref.region)
                self.regions[ref.region].network = False
            case StackKind.DATA if self.aurora.clusters[ref.region].status == "modifying":
                self.aurora.clusters[ref.region].status = "available"
            case StackKind.ROUTING:
                self._put_records(ref, new, old)
            case StackKind.EDGE:
                self._put_distribution(ref, old, old) if old else self.cloudfront.delete()
                self._forget_routers(set(_versions(new)) - set(_versions(old) if old else ()))

    def outputs(self, ref: StackRef) -> Mapping[str, str]:
        if ref.kind is StackKind.DATA:
            made = self.stacks.stacks[ref].applied
            names = (*OUTPUTS, "MasterSecret") if made and "Master" in made.template["Resources"] else OUTPUTS
            return {name: f"{name}-{ref.region}" for name in names}
        probe = next((c.id for c in self.route53.checks.values() if c.region == ref.region), None)
        return {"ProbeId": probe} if ref.kind is StackKind.API and probe else {}

    def _global(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None:
        if new is None:
            return  # the global cluster is retained
        found = properties(new, ref, "GlobalCluster")
        if old is None:
            self.aurora.create_group(found["GlobalClusterIdentifier"], found["EngineVersion"])
        elif properties(old, ref, "GlobalCluster")["EngineVersion"] != found["EngineVersion"]:
            self.aurora.set_group_version(found["EngineVersion"])

    def _data(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None:
        region = self.regions[ref.region]
        if new is None:
            require(not region.interfaces, "DependencyViolation", f"{region.interfaces} interfaces in the subnets")
            region.network = False
            return
        if old is None:
            self.aurora.created(ref.region)
        elif self.aurora.clusters[ref.region].status == "modifying":
            self.aurora.modify(ref.region, properties(new, ref, "Cluster"))
            self.aurora.clusters[ref.region].status = "available"
        names = [n for n in new.template["Resources"] if n.startswith("Instance")]
        instances = [str(properties(new, ref, n)["DBInstanceIdentifier"]) for n in names]
        self.aurora.add_instances(ref.region, instances, "available")
        self._api_changed(ref.region)

    def _drop_data(self, region: str) -> None:
        """Instances go first. CloudFormation would take a member out of the global database, but none that is protected, and
        it fails for a cluster that was taken out before."""
        cluster = self.aurora.clusters.get(region)
        if cluster:
            cluster.instances.clear()
            alone = f"{region} is not part of the global cluster"
            raise Refusal("InvalidRequest", "Cannot delete protected Cluster" if cluster.protected else alone)

    def _put_api(self, ref: StackRef, new: Applied) -> None:
        region = self.regions[ref.region]
        require(region.network, "InvalidParameterValue", f"no subnets in {ref.region}")
        self.regions.put_function(ref.region, properties(new, ref, "Function"))
        region.domain = True
        self.route53.upsert(properties(new, ref, "Record"))
        probes = [c for c in self.route53.checks.values() if c.region == ref.region]
        if not probes:
            config = properties(new, ref, "Probe")["HealthCheckConfig"]
            self.route53.create_check(f"cfn-{ref.region}-{self.timeline.now}", config, region=ref.region)
        else:
            probes[0].config = dict(properties(new, ref, "Probe")["HealthCheckConfig"])
        self._api_changed(ref.region)

    def _drop_api(self, ref: StackRef) -> None:
        for check in [c for c in self.route53.checks.values() if c.region == ref.region]:
            self.route53.delete_check(check.id)
        origin = next((k for k in self.route53.records if k[0].startswith(f"{ref.region}.origin.")), None)
        if origin:
            self.route53.delete(*origin)
        self.regions[ref.region].domain = False
        self.regions.drop_function(ref.region)
        self.route53.moves += 1

    def _put_records(self, ref: StackRef, old: Applied | None, new: Applied | None) -> None:
        kept = new.template["Resources"] if new else {}
        if new:
            for name in kept:
                found = properties(new, ref, name)
                if not old or name not in old.template["Resources"] or properties(old, ref, name) != found:
                    self.route53.upsert(found)
        if old:
            self._drop_records(ref, old, tuple(n for n in old.template["Resources"] if n not in kept))

    def _drop_records(self, ref: StackRef, applied: Applied, names: tuple[str, ...]) -> None:
        for name in names:
            found = properties(applied, ref, name)
            self.route53.delete(found["Name"], found["Type"], found.get("SetIdentifier"))

    def _put_distribution(self, ref: StackRef, old: Applied | None, new: Applied) -> None:
        """A version that is new to the template is published first; one that leaves it stays with Lambda."""
        [name] = _versions(new)
        if old is None or name not in _versions(old):
            self.routers[name] = self.cloudfront.publish()
        named = Applied(new.template, {**new.parameters, name: self.router(name)})
        self.cloudfront.put(properties(named, ref, "Distribution")["DistributionConfig"], self.routers[name])
        self.route53.moves += 1

    def _forget_routers(self, names: set[str]) -> None:
        """What a roll-back takes back goes when its copies are gone, without anybody's asking."""
        for name in names & set(self.routers):
            self.cloudfront.copied.pop(self.routers.pop(name))

    def router(self, name: str) -> str:
        """ARN of the version that this resource of the edge stack is."""
        return f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:router:{self.routers[name]}"

    def _api_changed(self, region: str) -> None:
        self.route53.moves += 1
        self.route53.api_changed(region)


def _versions(applied: Applied) -> list[str]:
    return [name for name, r in applied.template["Resources"].items() if r["Type"] == "AWS::Lambda::Version"]


def properties(applied: Applied, ref: StackRef, name: str) -> dict[str, Any]:
    """A resource's properties, resolved as far as this fake needs them."""
    resource = applied.template["Resources"].get(name, {})
    found = _resolve(resource.get("Properties", {}), applied.parameters, ref.region)
    assert isinstance(found, dict)
    return found


def _resolve(node: Any, parameters: Mapping[str, str], region: str) -> Any:
    if isinstance(node, Mapping):
        if "Ref" in node:
            return parameters.get(node["Ref"], node["Ref"])
        if "Fn::Sub" in node:
            return node["Fn::Sub"].replace("${AWS::Region}", region).replace("${AWS::AccountId}", ACCOUNT)
        if "Fn::GetAtt" in node:
            return attribute(region, ".".join(node["Fn::GetAtt"]))
        return {k: _resolve(v, parameters, region) for k, v in node.items()}
    if isinstance(node, list):
        return [_resolve(v, parameters, region) for v in node]
    return node


def attribute(region: str, name: str) -> str:
    known = {
        "RegionalDomain.RegionalDomainName": f"d-{region}.execute-api.{region}.amazonaws.com.",
        "RegionalDomain.RegionalHostedZoneId": f"Z{region}",
        "Distribution.DomainName": DISTRIBUTION,
    }
    return known[name]
