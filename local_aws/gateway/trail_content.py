"""What of a request and its answer CloudTrail writes down: parameters, ids, errors, resources; never a secret.

Names are as the service's model has them, with a small first letter. Two differences from AWS: `responseElements` of some services
leave more out there, and API Gateway nests a body under `create…Input`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

from local_aws import models
from local_aws.gateway.asgi import Answer, Request
from local_aws.gateway.wire import Call, json_object

Record = dict[str, Any]
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_SECRET = re.compile(
    r"(?i).*password|secretaccesskey|secret(string|binary)|sessiontoken|privatekey|zipfile|plaintext|environment|parametervalue"
)
_LEFT_OUT = {"templateBody", "stackPolicyBody", "responseMetadata"}
# What a parameter or an id in an answer names. `healthCheck.id` is looked up as healthCheckId.
_NAMED: Mapping[str, str] = {
    "alarmName": "AWS::CloudWatch::Alarm",
    "bucketName": "AWS::S3::Bucket",
    "certificateArn": "AWS::CertificateManager::Certificate",
    "dBClusterIdentifier": "AWS::RDS::DBCluster",
    "dBClusterParameterGroupName": "AWS::RDS::DBClusterParameterGroup",
    "dBInstanceIdentifier": "AWS::RDS::DBInstance",
    "dBSubnetGroupName": "AWS::RDS::DBSubnetGroup",
    "dbClusterIdentifier": "AWS::RDS::DBCluster",
    "distributionId": "AWS::CloudFront::Distribution",
    "domainName": "AWS::ApiGateway::DomainName",
    "functionName": "AWS::Lambda::Function",
    "globalClusterIdentifier": "AWS::RDS::GlobalCluster",
    "groupId": "AWS::EC2::SecurityGroup",
    "healthCheckId": "AWS::Route53::HealthCheck",
    "hostedZoneId": "AWS::Route53::HostedZone",
    "keyId": "AWS::KMS::Key",
    "logGroupName": "AWS::Logs::LogGroup",
    "policyArn": "AWS::IAM::Policy",
    "queueName": "AWS::SQS::Queue",
    "resourceId": "",
    "restApiId": "AWS::ApiGateway::RestApi",
    "roleArn": "AWS::IAM::Role",
    "roleName": "AWS::IAM::Role",
    "secretId": "AWS::SecretsManager::Secret",
    "stackId": "AWS::CloudFormation::Stack",
    "stackName": "AWS::CloudFormation::Stack",
    "tableName": "AWS::DynamoDB::Table",
    "topicArn": "AWS::SNS::Topic",
    "trailARN": "AWS::CloudTrail::Trail",
    "vpcId": "AWS::EC2::VPC",
}


# Lambda says its API's version in the names of its events, and of some the version of the event [V for most; K].
_V2 = {
    "AddPermission", "GetFunction", "GetFunctionConfiguration", "GetPolicy", "RemovePermission", "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
}  # fmt: skip


def event_name(service: str, operation: str) -> str:
    if service != "lambda" or (model := _operation(service, operation)) is None:
        return operation
    version = re.sub(r"\D", "", model.http["requestUri"].split("/")[1])
    return f"{operation}{version}{'v2' if operation in _V2 else ''}"


# ---- the request ---------------------------------------------------------------------------------------------------------


def parameters(call: Call, request: Request) -> Record | None:
    """requestParameters; None when there are none, or when they came in CBOR [K]."""
    if call.protocol in ("query", "ec2"):
        found: Record = _unflattened(request.body.decode("utf-8", "replace"))
    elif call.protocol == "json":
        found = json_object(request.body)
    else:
        found = {**_in_the_address(call, request), **_in_the_body(call, request.body)}
    if call.service == "s3" and "Bucket" in found:
        found["BucketName"] = found.pop("Bucket")
    return written(found) or None


def _unflattened(body: str) -> Record:
    """`Tags.member.1.Key=a` as {"Tags": [{"Key": "a"}]}."""
    tree: Record = {}
    for name, values in parse_qs(body, keep_blank_values=True).items():
        if name in ("Action", "Version"):
            continue
        *path, last = [part for part in name.split(".") if part != "member"]
        place = tree
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                break
        else:
            place[last] = values[0]
    return {name: _listed(value, name) for name, value in tree.items()}


def _listed(value: Any, name: str = "") -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    if len(value) == 1 and name in {f"{key}s" for key in value}:
        return _listed(next(iter(value.values())))  # `Tags.Tag.1`
    return {key: _listed(entry, key) for key, entry in value.items()}


def _in_the_address(call: Call, request: Request) -> Record:
    """What the path and the query say, by the names of the model."""
    model = _operation(call.service, call.operation)
    if model is None:
        return {}
    uri = model.http["requestUri"].partition("?")[0]
    pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(uri))
    found = re.fullmatch(pattern.rstrip("/") + "/?", request.path)
    given = {
        "uri": found.groupdict() if found else {},
        "querystring": {k: v[0] for k, v in parse_qs(request.query).items()},
    }
    shape = model.input_shape
    places = {name: m.serialization for name, m in shape.members.items()} if shape else {}
    return {
        name: given[place["location"]][place["name"]]
        for name, place in places.items()
        if place.get("location") in given and place.get("name") in given[place["location"]]
    }


def _in_the_body(call: Call, body: bytes) -> Record:
    if call.protocol == "rest-json":
        return json_object(body)
    if not body.lstrip().startswith(b"<"):
        return {}
    try:
        root = ET.fromstring(body)
    except ET.ParseError:
        return {}
    value = _from_xml(root)
    name = root.tag.rpartition("}")[2]
    return value if name.endswith("Request") and isinstance(value, dict) else {name: value}


def _from_xml(element: ET.Element) -> Any:
    children = list(element)
    if not children:
        return element.text or ""
    names = [child.tag.rpartition("}")[2] for child in children]
    if len(set(names)) == 1 and (len(names) > 1 or element.tag.rpartition("}")[2] in (names[0] + "s", "Items")):
        return [_from_xml(child) for child in children]
    return dict(zip(names, map(_from_xml, children), strict=True))


# ---- the answer ----------------------------------------------------------------------------------------------------------


def outcome(call: Call, answer: Answer) -> Record:
    """responseElements of what may change something, or the error; each as boto3 would read it."""
    status, headers, body = answer
    model = _operation(call.service, call.operation)
    if model is None or (status < 400 and not call.mutating):
        return {"responseElements": None}
    protocol = "rest-xml" if call.protocol == "s3" else call.protocol
    try:
        told = {"status_code": status, "headers": headers, "body": body}
        said = models.parser(protocol).parse(told, model.output_shape)
    except (ResponseParserError, ValueError):
        said = {}
    if status >= 400:
        error = said.get("Error", {})
        code = error.get("Code") or str(status)
        return {"errorCode": code, "errorMessage": error.get("Message", ""), "responseElements": None}
    return {"responseElements": written(json.loads(json.dumps(said, default=str))) or None}


def written(value: Any, key: str = "") -> Any:
    """As an event has it: names with a small first letter, secrets hidden, templates left out."""
    if _SECRET.fullmatch(key):
        return HIDDEN
    if isinstance(value, list):
        return [written(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if key == "tags":  # the keys are somebody's own
        return value
    named = {name[:1].lower() + name[1:]: entry for name, entry in value.items()}
    return {name: written(entry, name) for name, entry in named.items() if name not in _LEFT_OUT}


def resources(call: Call, asked: Record | None, told: Record | None) -> tuple[tuple[str, str], ...]:
    """(type, name) of what the call names, and of what its answer says was made."""
    noun = re.sub(r"^[A-Z][a-z]+", "", call.operation)
    own = {"acm": "certificatemanager"}.get(call.service, call.service)
    made = ((kind, name) for kind, name in _named_in(told or {}, noun) if f"::{own}::" in kind.lower())
    return tuple(dict.fromkeys([*_named_in(asked or {}, ""), *made]))


def _named_in(values: Record, noun: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        full = noun[:1].lower() + noun[1:] + name[:1].upper() + name[1:] if noun else name
        kind = _NAMED.get(name, _NAMED.get(full))
        if isinstance(value, str) and kind is not None:
            yield kind, value.rpartition("/")[2] if value.startswith("/") else value
        elif isinstance(value, dict):
            yield from _named_in(value, name)


def _operation(service: str, operation: str) -> OperationModel | None:
    known = models.service(service)
    return known.operation_model(operation) if known and operation in known.operation_names else None
