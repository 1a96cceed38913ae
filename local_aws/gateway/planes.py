"""Which calls use what is there (the data plane), and which manage it (the control plane).

A Region's control plane can be out while its data plane goes on, and CloudTrail records management events only.
"""

import re

from local_aws.gateway.wire import Call

# Data events, which CloudTrail does not record unless told to [V, CloudTrail user guide, data events; for s3 and events partly K].
_DATA = {
    "cloudwatch": r"PutMetricData|GetMetricData|GetMetricWidgetImage",
    "dynamodb": r".*Items?|Query|Scan|.*Statement|ExecuteTransaction|GetRecords|GetShardIterator",
    "events": r"PutEvents",
    "lambda": r"Invoke.*",
    "logs": r"PutLogEvents|GetLogEvents|FilterLogEvents",
    "s3": r".*Objects?(V2|Versions|Attributes|Tagging|Acl)?|ListParts|UploadPart(Copy)?|.*MultipartUploads?",
    "sns": r"Publish.*",
    "sqs": r".*Message(Batch)?|ChangeMessageVisibility(Batch)?",
}
# What else keeps working when only the control plane is out [V, AWS fault isolation boundaries, for sts; else K].
# CloudWatch's metrics are not among it: they were gone with the control plane in past events [K, the stricter].
_SERVING = {
    "kms": r"Encrypt|Decrypt|ReEncrypt|GenerateDataKey.*|Sign|Verify",
    "secretsmanager": r"GetSecretValue",
    "sts": r".*",
    "cloudwatch": r"PutMetricData",
}
GLOBAL = ("cloudfront", "iam", "route53")  # their control planes are in us-east-1 [V, AWS fault isolation boundaries]
HOME = "us-east-1"


def is_data_event(call: Call) -> bool:
    return _named(_DATA, call)


def is_data_plane(call: Call) -> bool:
    return _named(_SERVING if call.service in _SERVING else _DATA, call)


def region_of(service: str, region: str) -> str:
    """Where the service's control plane runs, and where its calls are recorded."""
    return HOME if service in GLOBAL else region


def _named(table: dict[str, str], call: Call) -> bool:
    return re.fullmatch(table.get(call.service, r"(?!)"), call.operation) is not None
