"""Functions in a Region's network that log in to its database: the service, and the runner of its migrations.

Each has a role of its own that may log in as one database user, and write into one log group.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from cdk_app.stacks import packages
from cdk_app.stacks.base import LOG_DAYS, MeridianStack, arn, policy, statement, sub, trust
from reconciler.model.topology import Topology

NETWORK_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
"""What Lambda needs to put a function into a network; EC2 takes no narrower resource for it."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the Region's member is: values of the stack's parameters."""

    subnets: list[str]
    group: str
    writer: str
    reader: str


def database(stack: MeridianStack) -> Database:
    """Adds the parameters, which every function of the stack shares."""
    stack.text("ClusterResourceId")
    return Database(
        subnets=stack.texts("SubnetIds", "List<AWS::EC2::Subnet::Id>"),
        group=stack.text("FunctionGroupId", "AWS::EC2::SecurityGroup::Id"),
        writer=stack.text("WriterEndpoint"),
        reader=stack.text("ReaderEndpoint"),
    )


def add_function(
    stack: MeridianStack,
    topology: Topology,
    database: Database,
    *,
    logical: str,
    role: str,
    suffix: str,
    user: str,
    code: Path,
    variables: dict[str, str],
    **settings: Any,
) -> lambda_.CfnFunction:
    """The function `meridian-<name>-<suffix>` with its role and log group; its environment says where the database is."""
    name = f"meridian-{topology.name}-{suffix}"
    asset = packages.package(stack, f"{logical}Code", code)
    group = add_log_group(stack, topology, f"{logical}Logs", suffix)
    return lambda_.CfnFunction(
        stack,
        logical,
        function_name=name,
        architectures=["arm64"],
        role=_role(stack, topology, role, function=name, suffix=suffix, user=user).attr_arn,
        code=packages.code(asset),
        vpc_config=lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=database.subnets, security_group_ids=[database.group]
        ),
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=group.ref),
        environment=lambda_.CfnFunction.EnvironmentProperty(
            variables={
                "DB_WRITER": database.writer,
                "DB_READER": database.reader,
                "DB_NAME": topology.database.name,
                "DB_USER": user,
                "VERSION": asset.asset_hash[:12],
                **variables,
            }
        ),
        **settings,
    )


def add_log_group(stack: MeridianStack, topology: Topology, logical: str, suffix: str) -> logs.CfnLogGroup:
    name = f"/meridian/{topology.name}/{suffix}"
    return logs.CfnLogGroup(stack, logical, log_group_name=name, retention_in_days=LOG_DAYS)


def _role(stack: cdk.Stack, topology: Topology, logical: str, *, function: str, suffix: str, user: str) -> iam.CfnRole:
    itself = sub(arn("lambda", f"function:{function}"))
    lines = sub(arn("logs", f"log-group:/meridian/{topology.name}/{suffix}:*"))
    statements = {
        "database": [statement("Allow", "rds-db:connect", sub(arn("rds-db", f"dbuser:${{ClusterResourceId}}/{user}")))],
        "logs": [statement("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"], lines)],
        "network": [
            statement("Allow", NETWORK_ACTIONS, "*"),
            # Lambda attaches the network as this role; the code that runs as this role must not.
            statement("Deny", NETWORK_ACTIONS, "*", Condition={"ArnEquals": {"lambda:SourceFunctionArn": itself}}),
        ],
    }
    return iam.CfnRole(
        stack,
        logical,
        assume_role_policy_document=policy(trust({"Service": "lambda.amazonaws.com"})),
        policies=[
            iam.CfnRole.PolicyProperty(policy_name=name, policy_document=policy(*parts))
            for name, parts in statements.items()
        ],
    )
