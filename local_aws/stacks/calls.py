"""The calls that CloudFormation makes to the services that own a stack's resources.

ministack's handlers change records without a call. Here each change becomes the one call that on AWS makes it: it stands still
while the service's control plane is out, waits its turn in the service's quotas (which people's own calls share, and are refused
by), and is written into the trail.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ministack.core.responses import get_region

from local_aws import states
from local_aws.gateway import faults, planes, throttling, trail
from local_aws.registry.schemas import service_of
from local_aws.stacks.reasons import in_words

Result = TypeVar("Result")
# By type: the service, and the operations that create, update and delete it, where they are not CreateX, UpdateX and DeleteX.
# Several: all of them need a token, the first is recorded.
_CALLS: Mapping[str, tuple[str, str, str, str]] = {
    "AWS::ApiGateway::Account": ("apigateway", "UpdateAccount", "UpdateAccount", "UpdateAccount"),
    "AWS::ApiGateway::GatewayResponse": ("apigateway", "PutGatewayResponse", "UpdateGatewayResponse", "DeleteGatewayResponse"),
    "AWS::ApiGateway::Method": ("apigateway", "PutMethod", "PutMethod", "DeleteMethod"),
    "AWS::CertificateManager::Certificate": ("acm", "RequestCertificate", "UpdateCertificateOptions", "DeleteCertificate"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarm", "PutMetricAlarm", "DeleteAlarms"),
    "AWS::EC2::SecurityGroup": ("ec2", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "DeleteSecurityGroup"),
    "AWS::EC2::Subnet": ("ec2", "CreateSubnet", "ModifySubnetAttribute", "DeleteSubnet"),
    "AWS::EC2::VPC": ("ec2", "CreateVpc", "ModifyVpcAttribute", "DeleteVpc"),
    "AWS::EC2::VPCEndpoint": ("ec2", "CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"),
    "AWS::KMS::Key": ("kms", "CreateKey", "PutKeyPolicy", "ScheduleKeyDeletion"),
    "AWS::Lambda::Function": (
        "lambda", "CreateFunction", "UpdateFunctionConfiguration UpdateFunctionCode", "DeleteFunction",
    ),
    "AWS::Lambda::Permission": ("lambda", "AddPermission", "AddPermission", "RemovePermission"),
    "AWS::Lambda::Version": ("lambda", "PublishVersion", "PublishVersion", "DeleteFunction"),
    "AWS::Logs::LogGroup": ("logs", "CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup"),
    "AWS::RDS::DBCluster": ("rds", "CreateDBCluster", "ModifyDBCluster", "DeleteDBCluster"),
    "AWS::RDS::DBClusterParameterGroup": (
        "rds", "CreateDBClusterParameterGroup", "ModifyDBClusterParameterGroup", "DeleteDBClusterParameterGroup",
    ),
    "AWS::RDS::DBInstance": ("rds", "CreateDBInstance", "ModifyDBInstance", "DeleteDBInstance"),
    "AWS::RDS::DBSubnetGroup": ("rds", "CreateDBSubnetGroup", "ModifyDBSubnetGroup", "DeleteDBSubnetGroup"),
    "AWS::RDS::GlobalCluster": ("rds", "CreateGlobalCluster", "ModifyGlobalCluster", "DeleteGlobalCluster"),
    "AWS::Route53::RecordSet": (
        "route53", "ChangeResourceRecordSets", "ChangeResourceRecordSets", "ChangeResourceRecordSets",
    ),
    "AWS::S3::Bucket": ("s3", "CreateBucket", "PutBucketTagging", "DeleteBucket"),
    "AWS::S3::BucketPolicy": ("s3", "PutBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "AWS::SQS::Queue": ("sqs", "CreateQueue", "SetQueueAttributes", "DeleteQueue"),
}  # fmt: skip
_VERBS = ("CREATE", "UPDATE", "DELETE")


def operations(kind: str, verb: str, properties: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """(service, operations) of a change."""
    place = _VERBS.index(verb)
    if kind in _CALLS:
        return _CALLS[kind][0], tuple(_CALLS[kind][1 + place].split())
    made = (f"{verb.capitalize()}{kind.rpartition('::')[2]}",)
    if kind == "AWS::ApiGateway::RestApi" and verb != "DELETE" and properties.get("Body"):
        made += ("PutRestApi",)
    return service_of(kind), made


async def make(
    kind: str, verb: str, properties: dict[str, Any], act: Callable[[], Awaitable[Result]], physical_id: str = ""
) -> Result:
    """Let the handler act when AWS would. A result that begins with a physical id says which resource was made."""
    service, made = operations(kind, verb, properties)
    await standstill(kind)
    for operation in made:
        await throttling.patiently(service, operation, str(properties.get("HostedZoneId", "")))
    await standstill(kind)
    try:
        result = await act()
    except Exception as error:
        told = in_words(kind, error)
        trail.record_of_stack(service, made[0], kind, physical_id, properties, str(told))
        if told is error:
            raise
        raise told from error
    trail.record_of_stack(service, made[0], kind, physical_id or _made(result), properties)
    return result


def _made(result: object) -> str:
    """Handlers give (physical id, attributes), or that and the seed of a generated name."""
    while isinstance(result, tuple) and result:
        result = result[0]
    return result if isinstance(result, str) else ""


async def standstill(kind: str) -> None:
    """While the control plane of the stack's Region is out, or that of the resource's service, nothing goes on [K]."""
    regions = {get_region(), planes.region_of(operations(kind, "CREATE", {})[0], get_region())}
    await states.until(lambda: not any(map(faults.control_plane_is_out, regions)))
