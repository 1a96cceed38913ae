"""Stack `global`: the empty global cluster that members join by name, and the two roles that API policies name.

It comes before any `data` or `api` stack. The cluster is empty on purpose: a source cluster would tie the template to
the first writer, and a switchover would then show as drift.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from constructs import Construct

from cdk_app.stacks.base import MeridianStack, Statement, arn, policy, statement, sub, trust
from reconciler.model.topology import Topology


class Global(MeridianStack):
    def __init__(self, scope: Construct, topology: Topology, *, artifact: str, region: str | None) -> None:
        super().__init__(scope, topology, "global", artifact=artifact, region=region)
        cluster = rds.CfnGlobalCluster(
            self,
            "GlobalCluster",
            global_cluster_identifier=topology.global_cluster,
            engine=topology.database.engine,
            engine_version=topology.database.version,
            storage_encrypted=True,
            deletion_protection=True,
        )
        # Its members are the data: letting go of the object is harmless, deleting or replacing it never is.
        cluster.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        # Any Region, since adding one must not touch the edge's role; which API admits the role is the API's own policy.
        invoke = statement(
            "Allow",
            "execute-api:Invoke",
            sub(arn("execute-api", "*/live/*", region="*")),
        )
        edge = self._role(
            "EdgeRole",
            f"meridian-{topology.name}-edge",
            trusted={"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]},
            policies={"invoke": invoke, "logs": self._edge_logs(topology)},
        )
        probe = self._role(
            "ProbeRole",
            f"meridian-{topology.name}-probe",
            trusted={"AWS": sub(arn("iam", "root", region=""))},
            policies={"invoke": invoke},
        )
        self.output("GlobalClusterId", cluster.ref)
        self.output("EdgeRoleArn", edge.attr_arn)
        self.output("ProbeRoleArn", probe.attr_arn)

    @staticmethod
    def _edge_logs(topology: Topology) -> Statement:
        """The router logs in whatever Region it ran, under the name of its us-east-1 function."""
        group = f"/aws/lambda/*meridian-{topology.name}-edge-*"
        return statement(
            "Allow",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            sub(arn("logs", f"log-group:{group}:*", region="*")),
        )

    def _role(self, logical: str, name: str, *, trusted: object, policies: dict[str, Statement]) -> iam.CfnRole:
        return iam.CfnRole(
            self,
            logical,
            role_name=name,
            assume_role_policy_document=policy(trust(trusted)),
            policies=[
                iam.CfnRole.PolicyProperty(policy_name=key, policy_document=policy(value))
                for key, value in policies.items()
            ],
        )
