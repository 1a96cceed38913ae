"""Stack `routing`: the latency records, each behind its Region's traffic gate.

Gates are motion: the reconciler makes and moves them, and hands their ids in as parameters. `route.<d>` answers with
the *name* of the nearest Region, for the edge router; `origin.<d>` with its address, for CloudFront itself.
"""

from __future__ import annotations

from aws_cdk import aws_route53 as route53
from constructs import Construct

from cdk_app.stacks.base import MeridianStack
from reconciler.model.stacks import camel, gate_parameter
from reconciler.model.topology import Topology


class Routing(MeridianStack):
    def __init__(self, scope: Construct, topology: Topology, *, artifact: str, region: str | None) -> None:
        super().__init__(scope, topology, "routing", artifact=artifact, region=region)
        for name in topology.region_names:
            self._records(topology, name, gate=self.text(gate_parameter(name)))

    def _records(self, topology: Topology, region: str, *, gate: str) -> None:
        zone, target = topology.domain.zone_id, topology.region_origin(region)
        route53.CfnRecordSet(
            self,
            f"Route{camel(region)}",
            hosted_zone_id=zone,
            name=f"{topology.route_name}.",
            type="CNAME",
            ttl=str(topology.routing.ttl_seconds),
            resource_records=[target],
            region=region,
            set_identifier=region,
            health_check_id=gate,
        )
        route53.CfnRecordSet(
            self,
            f"Origin{camel(region)}",
            hosted_zone_id=zone,
            name=f"{topology.origin_name}.",
            type="A",
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=f"{target}.", hosted_zone_id=zone, evaluate_target_health=True
            ),
            region=region,
            set_identifier=region,
            health_check_id=gate,
        )
