"""What tests add to a synthesis: the security rules of cdk-nag, and each finding we live with, with its reason.

A finding is acknowledged where it stands, by its exact name, so a new one of the same kind fails.
"""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from cdk_app import strict_control
from reconciler.model.topology import Topology

_ARN = "arn:<AWS::Partition>"
_GATEWAY_POLICY = "AmazonAPIGatewayPushToCloudWatchLogs"


def acknowledged(topology: Topology) -> dict[tuple[str, str], dict[str, str]]:
    """Reasons by rule, by place (kind of stack, logical id)."""
    invoke = f"IAM5[Resource::{_ARN}:execute-api:*:<AWS::AccountId>:*/live/*]"
    every_region = "a Region that is added later must not change this role; each API's own policy admits it by name"
    edge_logs = f"/aws/lambda/*meridian-{topology.name}-edge-*"
    return {
        ("foundation", "Assets"): {
            "S1": "holds built code, written and read by the reconciler and CloudFormation alone; CloudTrail has their calls",
        },
        ("foundation", "GatewayLogRole"): {
            f"IAM4[Policy::{_ARN}:iam::aws:policy/service-role/{_GATEWAY_POLICY}]": "the policy that API Gateway "
            "checks for before it accepts the role",
        },
        ("global", "EdgeRole"): {
            invoke: every_region,
            f"IAM5[Resource::{_ARN}:logs:*:<AWS::AccountId>:log-group:{edge_logs}:*]": "the function logs in whatever "
            "Region it ran in, under a name that CloudFormation makes up",
        },
        ("global", "ProbeRole"): {invoke: every_region},
        ("data", "Vpc"): {"VPC7": "two groups let functions reach the database; there is no way in or out to log"},
        ("data", "Master"): {
            "SMG4": "used once, to make the role that migrations use with IAM authentication; rotating needs a way out",
        },
        ("api", "Role"): {
            f"IAM5[Resource::{_ARN}:logs:<AWS::Region>:<AWS::AccountId>:log-group:/meridian/{topology.name}/api:*]": (
                "the streams of its own log group"
            ),
            "IAM5[Resource::*]": "EC2 takes no narrower resource for network interfaces; the code itself is denied them",
        },
        ("api", "MigrateRole"): {
            f"IAM5[Resource::{_ARN}:logs:<AWS::Region>:<AWS::AccountId>:log-group:/meridian/{topology.name}/migrate:*]": (
                "the streams of its own log group"
            ),
            "IAM5[Resource::*]": "EC2 takes no narrower resource for network interfaces; the code itself is denied them",
        },
        ("api", "Function"): {"L1": "the runtime is the document's choice"},
        ("api", "Migrate"): {"L1": "the driver and this Python are tried together; it moves when that is done again"},
        ("api", "Api"): {"APIG2": "the service validates requests, the same way in tests and behind any gateway"},
        ("api", "Stage"): {
            "APIG6": "access logs are on; execution logs would go to a group without retention that nobody owns",
            "APIG3": "the web ACL is the distribution's; nobody but the edge gets past the API's policy",
        },
        ("edge", "Router"): {"L1": "moves when Lambda@Edge is known to run the newer one"},
        ("edge", "Distribution"): {
            "CFR1": "an API for clients anywhere",
            "CFR2": "edge.webAclArn is the slot; the ACL is the user's",
            "CFR3": "standard logging v2 is on, which is a resource of its own: LogDelivery",
        },
        **strict_control.acknowledged(),
    }


def check(app: cdk.App, topology: Topology) -> None:
    """Registers the rules and the acknowledgements; synthesis fails on any other finding."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for (kind, logical), reasons in acknowledged(topology).items():
        for stack in app.node.children:
            construct = stack.node.try_find_child(logical) if stack.node.id.split("-")[0] == kind else None
            if construct is None:
                continue
            cdk.Validations.of(construct).acknowledge(
                *(
                    cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=why)
                    for rule, why in reasons.items()
                )
            )
