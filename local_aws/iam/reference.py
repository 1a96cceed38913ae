"""What the Service Authorization Reference says [V]: which resource types an IAM action is checked against, and their ARNs.

The facts are those that cfn-lint bundles; `python -m local_aws.iam.reference` writes the part about the types of `NAMED` to
`data/authorization.json`. An action that is not in there has no resource types and is checked against `*`, as on AWS.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

PATCHED: tuple[str, ...] = ()

DATA = Path(__file__).parents[1] / "data" / "authorization.json"
ANY = "*"
# By service and resource type: the parameters of its calls, and the properties of its CloudFormation types, that name one.
NAMED: dict[str, dict[str, tuple[str, ...]]] = {
    "acm": {"certificate": ("CertificateArn",)},
    "cloudformation": {"stack": ("StackName",)},
    "cloudfront": {"distribution": (), "response-headers-policy": ()},
    "cloudtrail": {"trail": ("Name", "TrailName")},
    "cloudwatch": {"alarm": ("AlarmName",), "dashboard": ("DashboardName",)},
    "dynamodb": {"table": ("TableName",)},
    "ec2": {
        "vpc": ("VpcId",),
        "subnet": ("SubnetId",),
        "security-group": ("GroupId",),
        "route-table": ("RouteTableId",),
        "vpc-endpoint": ("VpcEndpointId",),
    },
    "events": {"rule-on-default-event-bus": ("Name",), "event-bus": ("EventBusName",)},
    "iam": {
        "role": ("RoleName",),
        "policy": ("PolicyArn", "ManagedPolicyName"),
        "oidc-provider": ("OpenIDConnectProviderArn",),
    },
    "kms": {"key": ("KeyId",), "alias": ("AliasName",)},
    "lambda": {"function": ("FunctionName",), "eventsourcemapping": ("UUID",)},
    "logs": {
        "log-group": ("LogGroupName",),
        "log-stream": (),
        "delivery": (),
        "delivery-source": ("DeliverySourceName",),
        "delivery-destination": ("DeliveryDestinationArn",),
    },
    "rds": {
        "cluster": (
            "DBClusterIdentifier",
            "DbClusterIdentifier",
            "SourceDBClusterIdentifier",
            "TargetDbClusterIdentifier",
        ),
        "cluster-pg": ("DBClusterParameterGroupName",),
        "cluster-snapshot": ("DBClusterSnapshotIdentifier", "FinalDBSnapshotIdentifier"),
        "db": ("DBInstanceIdentifier",),
        "global-cluster": ("GlobalClusterIdentifier",),
        "subgrp": ("DBSubnetGroupName",),
    },
    "route53": {"hostedzone": ("HostedZoneId",), "healthcheck": ("HealthCheckId",), "change": ()},
    "s3": {"bucket": ("BucketName", "Bucket")},
    "scheduler": {"schedule": ("Name",)},
    "secretsmanager": {"secret": ("Name",)},
    "sns": {"topic": ("TopicName", "TopicArn")},
    "sqs": {"queue": ("QueueName",)},
}


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(DATA.read_text())
    return data


def types(action: str) -> list[str]:
    """The resource types that an action (`rds:CreateDBCluster`) is checked against, as far as we know how they are named."""
    service, _, name = action.partition(":")
    found: list[str] = _data().get(service, {}).get("actions", {}).get(name.lower(), [])
    return found


def arn(service: str, kind: str, name: str, *, account: str, region: str) -> str:
    """`name` may be the ARN itself; `*` stands for one that AWS has yet to name."""
    if name.startswith("arn:"):
        return name
    form: str = _data()[service]["arns"][kind]
    return form.format(name, account=account, region=region)


def resources(action: str, names: Mapping[str, Iterable[str]], *, account: str, region: str) -> list[str]:
    """The ARNs that an action is checked against; `names` has, by resource type, those of the request.

    A type that the request leaves open is checked as a whole (`arn:aws:rds:eu-west-1:111111111111:db:*` for
    DescribeDBInstances without a name [S: awslabs/pireporter, issue 8]), unless another one is named.
    """
    service = action.partition(":")[0]
    known = types(action)
    found = [arn(service, k, name, account=account, region=region) for k in known for name in names.get(k, ())]
    whole = [arn(service, known[0], ANY, account=account, region=region)] if len(known) == 1 else [ANY]
    return found or whole


def named(service: str, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names that parameters or properties give, by resource type."""
    found = {kind: [str(given[p]) for p in names if given.get(p)] for kind, names in NAMED.get(service, {}).items()}
    return {kind: names for kind, names in found.items() if names}


# ---- the generator -------------------------------------------------------------------------------------------------


def _generate() -> dict[str, Any]:
    import cfnlint

    source = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    everything = json.loads(source.read_text())
    return {service: _facts_of(everything[service], set(kinds)) for service, kinds in NAMED.items()}


def _facts_of(service: dict[str, Any], kinds: set[str]) -> dict[str, Any]:
    actions = {
        name: sorted(kinds & {kind.lower() for kind in entry.get("Resources", ())})
        for name, entry in service["Actions"].items()
    }
    return {
        "actions": {name: found for name, found in actions.items() if found},
        "arns": {kind: _form(service["Resources"][kind]["ARNFormats"][0]) for kind in sorted(kinds)},
    }


def _form(text: str) -> str:
    given = {"${Partition}": "aws", "${Region}": "{region}", "${Account}": "{account}", ".*": "{}"}
    for old, new in given.items():
        text = text.replace(old, new)
    return text


def main() -> None:
    text = json.dumps(_generate(), indent=0, sort_keys=True)
    DATA.write_text(text + "\n")
    sys.stdout.write(f"{DATA.name}: {len(text)} bytes\n")


if __name__ == "__main__":
    main()
