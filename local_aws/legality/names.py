"""Names: one that exists is refused, and one that CloudFormation makes up meets no other stack's.

ministack makes the same name for the same stack name in every Region, which lets the roles of two Regions overwrite each
other, and its stack handlers write over what is already there (buckets excepted: it validates those beforehand).
"""

import hashlib
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, iam, lambda_svc, rds, ssm
from ministack.services.cloudformation import provisioners

from local_aws.legality.guard import on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties, around

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners._physical_name",
    "ministack.services.cloudwatch._alarms",
    "ministack.services.cloudwatch_logs._log_groups",
    "ministack.services.dynamodb._tables",
    "ministack.services.iam._roles",
    "ministack.services.lambda_svc._functions",
    "ministack.services.rds._db_cluster_param_groups",
    "ministack.services.rds._instances",
    "ministack.services.rds._subnet_groups",
    "ministack.services.ssm._parameters",
)

# type -> (the property that names it, what exists)
_NAMED: dict[str, tuple[str, Any]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", cloudwatch._alarms),
    "AWS::DynamoDB::Table": ("TableName", dynamodb._tables),
    "AWS::IAM::Role": ("RoleName", iam._roles),
    "AWS::Lambda::Function": ("FunctionName", lambda_svc._functions),
    "AWS::Logs::LogGroup": ("LogGroupName", cloudwatch_logs._log_groups),
    "AWS::RDS::DBClusterParameterGroup": ("DBClusterParameterGroupName", rds._db_cluster_param_groups),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier", rds._instances),
    "AWS::RDS::DBSubnetGroup": ("DBSubnetGroupName", rds._subnet_groups),
    "AWS::SSM::Parameter": ("Name", ssm._parameters),
}


def conflict(resource_type: str, properties: Properties) -> str | None:
    """What CloudFormation finds before it deploys: a new resource has a name that is taken."""
    named_by, existing = _NAMED.get(resource_type, ("", ()))
    name = properties.get(named_by)
    return _taken(resource_type, name) if isinstance(name, str) and name in existing else None


def _taken(resource_type: str, name: str) -> str:
    return f"Resource of type '{resource_type}' with identifier '{name}' already exists."


def _free(resource_type: str) -> Callable[[Properties, Properties | None], None]:
    """AlreadyExists: a stack creates what it names; what exists can only be imported [V: handler error codes]."""
    named_by, existing = _NAMED[resource_type]

    def check(now: Properties, before: Properties | None) -> None:
        name = now.get(named_by)
        if name and name in existing and (before is None or before.get(named_by) != name):
            raise Refused("AlreadyExists", _taken(resource_type, name))

    return check


def _made_up(stock: Callable[..., str], stack_name: str, logical_id: str, **options: Any) -> str:
    """The same characters and length, but others in every Region."""
    name = stock(stack_name, logical_id, **options)
    head, _, suffix = name.rpartition("-")
    unique = hashlib.sha256(f"{get_region()}/{suffix}".encode()).hexdigest().upper()[: len(suffix)]
    return f"{head}-{unique.lower() if options.get('lowercase') else unique}"


def install() -> None:
    around(provisioners, "_physical_name", _made_up)
    for resource_type in _NAMED:
        on_stack(resource_type, put=_free(resource_type))
