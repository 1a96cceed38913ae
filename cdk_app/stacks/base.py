"""What all stacks share: names, tags, the synthesizer, parameters, outputs, policy documents.

A stack without a Region is the same template in every Region: Region and account come from `AWS::Region` and
`AWS::AccountId` when CloudFormation runs. Constructs are L1 and stand directly in the stack, so that their logical
ids are the names written there: drift paths and the field catalogue use them.
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from reconciler.model.stacks import SHARED
from reconciler.model.topology import Topology

LOG_DAYS = 30
"""Retention of every log group."""

EVERY_TOPOLOGY = "@all"
"""Tag of what belongs to no topology. Tag values may not contain `*`, and no topology can have this name."""

Statement = dict[str, Any]


class MeridianStack(cdk.Stack):
    """Assets are published by the reconciler into its own buckets: no CDK bootstrap stack, rule or role."""

    def __init__(self, scope: Construct, topology: Topology, kind: str, *, artifact: str, region: str | None) -> None:
        shared = kind in SHARED
        super().__init__(
            scope,
            artifact,
            stack_name=f"meridian-{kind}" if shared else f"meridian-{topology.name}-{kind}",
            env=cdk.Environment(account=topology.account, region=region) if region else None,
            analytics_reporting=False,
            synthesizer=cdk.CliCredentialsStackSynthesizer(
                file_assets_bucket_name="meridian-assets-${AWS::AccountId}-${AWS::Region}", bucket_prefix="assets/"
            ),
        )
        self.tag_pairs = {"meridian:topology": EVERY_TOPOLOGY if shared else topology.name, "meridian:stack": kind}
        for key, value in self.tag_pairs.items():
            cdk.Tags.of(self).add(key, value)

    def text(self, name: str, kind: str = "String", *, pattern: str | None = None, default: str | None = None) -> str:
        """A parameter with one value."""
        return cdk.CfnParameter(self, name, type=kind, allowed_pattern=pattern, default=default).value_as_string

    def texts(self, name: str, kind: str) -> list[str]:
        """A parameter with a list of values."""
        return cdk.CfnParameter(self, name, type=kind).value_as_list

    def output(self, name: str, value: str) -> None:
        cdk.CfnOutput(self, name, value=value)


def arn(service: str, resource: str, *, region: str = "${AWS::Region}") -> str:
    """Text for `Fn::Sub` of an ARN in this account. Naming a resource instead of asking for its ARN keeps a change of it
    from showing as a change of everything that refers to it."""
    return f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}"


def role_arn(name: str) -> str:
    return arn("iam", f"role/{name}", region="")


def sub(text: str) -> dict[str, str]:
    """`Fn::Sub` inside a JSON document. Plain data, unlike a CDK token, gives the same hash in every run."""
    return {"Fn::Sub": text}


def statement(effect: str, actions: str | list[str], resources: object, **more: object) -> Statement:
    return {"Effect": effect, "Action": actions, "Resource": resources, **more}


def tls_statement(action: str, resource: Any) -> dict[str, Any]:
    """Refuses whoever comes without TLS, for the policy of a resource."""
    without = {"Bool": {"aws:SecureTransport": "false"}}
    return statement("Deny", action, resource, Sid="TlsOnly", Principal="*", Condition=without)


def trust(principal: object) -> Statement:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}


def policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
