"""Every request that boto3 makes is named as the call that it is: counts, quotas, faults and the trail all go by the name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.model import Shape

from local_aws.gateway import wire

SERVICES = """
    acm apigateway apigatewayv2 cloudformation cloudfront cloudtrail cloudwatch dynamodb ec2 events iam kms lambda logs rds
    resourcegroupstaggingapi route53 s3 scheduler secretsmanager sns sqs ssm stepfunctions sts wafv2
"""
# The same request as an operation that has replaced it, or sent unsigned or to an endpoint of its own.
EXCEPT = {
    "s3": "GetBucketLifecycle GetBucketNotification ListDirectoryBuckets PutBucketLifecycle PutBucketNotification "
    "WriteGetObjectResponse",
    "sts": "AssumeRoleWithSAML AssumeRoleWithWebIdentity",
}
PROTOCOLS = {
    "cloudwatch": "json",
    "dynamodb": "json",
    "ec2": "ec2",
    "lambda": "rest-json",
    "rds": "query",
    "route53": "rest-xml",
    "s3": "s3",
    "sqs": "json",
}


class _Sent(Exception):
    """Stops a call when its request is complete."""


def _example(shape: Shape) -> Any:
    """The least that the shape allows."""
    kind = shape.type_name
    if kind == "structure":
        members = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
        return {name: _example(shape.members[name]) for name in members}
    if kind == "list":
        return [_example(shape.member)]
    if kind == "map":
        return {"k": _example(shape.value)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(shape.metadata.get("min", 1), 1)
    number = max(shape.metadata.get("min", 1), 1)
    return {"blob": b"x", "boolean": True, "timestamp": 0, "float": 1.0, "double": 1.0}.get(kind, number)


def _requests(service: str) -> Iterator[tuple[str, Any]]:
    """(operation, request as it would be sent) of every operation of a service."""
    client = boto3.client(
        service,
        "eu-west-1",
        endpoint_url="http://127.0.0.1:4566",
        aws_access_key_id="111111111111",
        aws_secret_access_key="x",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    sent: list[Any] = []

    def stop(request: Any, **_: Any) -> None:
        sent.append(request)
        raise _Sent

    client.meta.events.register("before-send", stop)
    for method, operation in client.meta.method_to_api_mapping.items():
        shape = client.meta.service_model.operation_model(operation).input_shape
        with pytest.raises(_Sent):
            getattr(client, method)(**(_example(shape) if shape else {}))
        yield operation, sent.pop()


def _named(request: Any) -> wire.Call | None:
    url = urlsplit(request.url)
    headers = {k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    return wire.identify(
        request.method, unquote(url.path), url.query, headers, body.encode() if isinstance(body, str) else body
    )


@pytest.mark.parametrize("service", SERVICES.split())
def test_every_operation_is_named(service: str) -> None:
    wrong, exceptions = {}, EXCEPT.get(service, "").split()
    for operation, request in _requests(service):
        call = _named(request)
        if operation not in exceptions and (call is None or call.name != f"{service}:{operation}"):
            wrong[operation] = call and call.name
        if call and service in PROTOCOLS and operation not in exceptions:
            assert call.protocol == PROTOCOLS[service]
    assert wrong == {}
