"""A stage serves what was deployed, not what an API looks like now; and what stacks of these services are refused."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.embedded.conftest import Aws
from tests.embedded.test_drift import ROLE, distribution, function
from tests.embedded.test_legality import BODY, MOCK, fails, network


@pytest.fixture
def world(aws: Any) -> Any:
    aws.control("clock", {"speed": 5000})
    return aws


class Api:
    """A REST API with GET / answered by a mock, and its stage."""

    def __init__(self, aws: Aws) -> None:
        self.client, self.at = aws.client("apigateway"), urlsplit(aws.url)
        self.id = self.client.create_rest_api(name="orders")["id"]
        self.put({"/": {"get": MOCK}})
        self.deploy()

    def put(self, paths: dict[str, Any]) -> None:
        document = {"openapi": "3.0.1", "info": {"title": "orders", "version": "1"}, "paths": paths}
        self.client.put_rest_api(restApiId=self.id, mode="overwrite", body=json.dumps(document))

    def deploy(self) -> str:
        return str(self.client.create_deployment(restApiId=self.id, stageName="live")["id"])

    def status(self, path: str) -> int:
        with closing(http.client.HTTPConnection(str(self.at.hostname), self.at.port)) as connection:
            connection.request(
                "GET", f"/live{path}", headers={"Host": f"{self.id}.execute-api.localhost:{self.at.port}"}
            )
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def patch(self, path: str, value: str) -> None:
        self.client.update_rest_api(
            restApiId=self.id, patchOperations=[{"op": "replace", "path": path, "value": value}]
        )


def test_methods_are_live_only_when_they_are_deployed(world: Aws) -> None:
    api = Api(world)
    assert (api.status("/"), api.status("/new")) == (200, 403)
    api.put({"/new": {"get": MOCK}})
    assert (api.status("/"), api.status("/new")) == (200, 403)
    api.deploy()
    assert (api.status("/"), api.status("/new")) == (403, 200)


def test_a_stage_goes_back_to_an_earlier_deployment(world: Aws) -> None:
    api = Api(world)
    first = api.client.get_stage(restApiId=api.id, stageName="live")["deploymentId"]
    api.put({"/new": {"get": MOCK}})
    api.deploy()
    back = [{"op": "replace", "path": "/deploymentId", "value": first}]
    api.client.update_stage(restApiId=api.id, stageName="live", patchOperations=back)
    assert (api.status("/"), api.status("/new")) == (200, 403)


def test_the_endpoint_is_off_as_soon_as_a_stage_is_touched(world: Aws) -> None:
    api = Api(world)
    api.patch("/disableExecuteApiEndpoint", "true")
    assert api.status("/") == 200
    api.deploy()
    assert api.status("/") == 403


def test_a_snapshot_of_the_world_keeps_what_is_deployed(world: Aws) -> None:
    api = Api(world)
    api.put({"/new": {"get": MOCK}})
    status, kept = world.control("snapshot", {})
    assert status == 200
    world.control("reset", {})
    world.control("restore", kept)
    assert (api.status("/"), api.status("/new")) == (200, 403)


# ---- stacks ----------------------------------------------------------------------------------------------------------------

REST = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "a", "Body": BODY}}
EMPTY = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "a"}}
DEPLOYMENT = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}}


def stage(**more: Any) -> dict[str, Any]:
    properties = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}
    return {"Type": "AWS::ApiGateway::Stage", "Properties": properties | more}


def edge(**config: Any) -> dict[str, Any]:
    made = distribution()
    made["Properties"]["DistributionConfig"] |= config
    return made


def group(*ingress: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "x", "SecurityGroupIngress": list(ingress)}
    return network("us-east-1") | {"Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": properties | more}}


def key(principal: str, action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}


RULE = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIp": "10.0.0.0/8"}
LOG = {"DestinationArn": "arn:aws:logs:us-east-1:111111111111:log-group:/none", "Format": "$context.requestId"}
DELIVERY = {"Name": "s", "LogType": "ACCESS_LOGS", "ResourceArn": "arn:aws:cloudfront::111111111111:distribution/E0"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "an edge domain without a certificate",
        {"Domain": {"Type": "AWS::ApiGateway::DomainName", "Properties": {"DomainName": "a.example.com"}}},
        "A certificate is needed for a.example.com",
    ),
    ("a deployment of nothing", {"Api": EMPTY, "Deployment": DEPLOYMENT}, "doesn't contain any methods"),
    (
        "logs without a role",
        {"Api": REST, "Deployment": DEPLOYMENT, "Stage": stage(AccessLogSetting=LOG)},
        "role ARN must be set",
    ),
    (
        "more than the account",
        {"Api": REST, "Deployment": DEPLOYMENT, "Stage": stage(MethodSettings=[{"ThrottlingRateLimit": 10001}])},
        "must be at most the account's",
    ),
    (
        "a role of somebody else's",
        {
            "Role": ROLE,
            "A": {
                "Type": "AWS::ApiGateway::Account",
                "Properties": {"CloudWatchRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}},
            },
        },
        "does not have required permissions",
    ),
    (
        "an origin's path",
        {"Edge": edge(Origins=[{"Id": "o", "DomainName": "o.example.com", "OriginPath": "x"}])},
        "OriginPath",
    ),
    ("an unknown price class", {"Edge": edge(PriceClass="PriceClass_9")}, "PriceClass"),
    ("a rule twice", group(RULE, RULE), "already exists"),
    (
        "a network too large",
        {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/8"}}},
        "10.0.0.0/8",
    ),
    ("a key that locks out", {"Key": key("arn:aws:iam::111111111111:root", "kms:Encrypt")}, "in the future"),
    ("a key of nobody", {"Key": key("arn:aws:iam::111111111111:role/none", "kms:*")}, "invalid principals"),
    (
        "a name of AWS's",
        {"L": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "aws/a"}}},
        "reserved for AWS",
    ),
    ("logs of nothing", {"S": {"Type": "AWS::Logs::DeliverySource", "Properties": DELIVERY}}, "does not exist"),
    ("much memory", {"Role": ROLE, "Function": function(MemorySize=20000)}, "memorySize"),
    ("much reserved", {"Role": ROLE, "Function": function(ReservedConcurrentExecutions=950)}, "below its minimum"),
]


@pytest.mark.parametrize(("resources", "told"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_a_stack_is_refused(world: Aws, resources: dict[str, Any], told: str) -> None:
    fails(world, resources, told)


def test_a_stack_cannot_take_the_name_of_a_secret_on_its_way_out(world: Aws) -> None:
    client = world.client("secretsmanager")
    client.create_secret(Name="s", SecretString="x")
    client.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "s", "SecretString": "x"}}
    fails(world, {"Secret": secret}, "already scheduled for deletion")
