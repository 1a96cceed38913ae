"""API Gateway: REST APIs, deployments and stages: what is live is what was deployed."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.conformance import made
from tests.contract.conformance.claims import real, refusal, state, success
from tests.contract.conformance.conftest import Target, refused

API = "API Gateway V1 API reference [V]"
WORDS = "API Gateway's own words, widely reported [S]"
BODY: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "orders", "version": "1"},
    "paths": {"/new": {"get": {"responses": {}, "x-amazon-apigateway-integration": {"type": "mock"}}}},
}


@success("apigateway:CreateRestApi", source=API)
@success("apigateway:GetRestApi", source=API)
@success("apigateway:UpdateRestApi", source=API)
@success("apigateway:DeleteRestApi", source=API)
@refusal("apigateway:GetRestApi", "NotFoundException", source=API)
@refusal("apigateway:UpdateRestApi", "BadRequestException", source=API)
@real("nothing")
def test_a_rest_api_is_made_changed_and_removed(aws: Target) -> None:
    client = aws.client("apigateway")
    api = made.rest_api(aws, method=False, disableExecuteApiEndpoint=True)
    found = client.get_rest_api(restApiId=api)
    assert found["disableExecuteApiEndpoint"] is True
    assert found["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert found["tags"] == aws.tags
    change = {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "False"}
    assert client.update_rest_api(restApiId=api, patchOperations=[change])["disableExecuteApiEndpoint"] is False
    wrong = {"op": "replace", "path": "/nothing", "value": "x"}
    refused(client.update_rest_api, "BadRequestException", restApiId=api, patchOperations=[wrong])
    aws.patiently(client.delete_rest_api, restApiId=api)
    refused(client.get_rest_api, "NotFoundException", restApiId=api)


@success("apigateway:GetRestApi", source="terraform-provider-aws#5549, #41696; cdk-real-drift#676 [S]")
@real("nothing")
def test_a_policy_is_told_as_escaped_text_with_whole_arns(aws: Target) -> None:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    api = made.rest_api(aws, policy=policy)
    told = aws.client("apigateway").get_rest_api(restApiId=api)["policy"]
    assert told.startswith('{\\"Version')
    [statement] = json.loads(json.loads(f'"{told}"'))["Statement"]
    assert statement["Resource"].startswith("arn:aws:execute-api:")
    assert statement["Resource"].endswith(f":{api}/*")


@success("apigateway:PutRestApi", source=f"{API}, mode")
@success("apigateway:GetResources", source=API)
@real("nothing")
def test_a_document_is_merged_unless_it_is_to_overwrite(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws)
    paths = lambda: {  # noqa: E731
        item["path"]: set(item.get("resourceMethods", {}))
        for item in client.get_resources(restApiId=api, limit=500)["items"]
    }
    aws.patiently(client.put_rest_api, restApiId=api, body=json.dumps(BODY))
    assert paths() == {"/": {"GET"}, "/new": {"GET"}}
    aws.patiently(client.put_rest_api, restApiId=api, mode="overwrite", body=json.dumps(BODY))
    assert paths() == {"/": set(), "/new": {"GET"}}


@success("apigateway:GetResources", source=f"{API}, embed")
@real("nothing")
def test_methods_are_told_whole_to_whoever_asks_for_them(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws)
    aws.patiently(client.put_rest_api, restApiId=api, mode="overwrite", body=json.dumps(BODY))
    [bare] = [i["resourceMethods"]["GET"] for i in client.get_resources(restApiId=api)["items"] if i["path"] == "/new"]
    assert bare == {}
    listed = client.get_resources(restApiId=api, embed=["methods"])["items"]
    [whole] = [item["resourceMethods"]["GET"] for item in listed if item["path"] == "/new"]
    assert whole["httpMethod"] == "GET"
    assert "type" in whole["methodIntegration"]


@refusal("apigateway:CreateDeployment", "BadRequestException", source=WORDS)
@real("nothing")
def test_a_deployment_needs_methods_with_integrations(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws, method=False)
    told = refused(client.create_deployment, "BadRequestException", restApiId=api)
    assert told == "The REST API doesn't contain any methods"
    [root] = client.get_resources(restApiId=api)["items"]
    client.put_method(restApiId=api, resourceId=root["id"], httpMethod="GET", authorizationType="NONE")
    assert "No integration" in refused(client.create_deployment, "BadRequestException", restApiId=api)


@success("apigateway:CreateDeployment", source=API)
@success("apigateway:CreateStage", source=API)
@success("apigateway:GetStage", source=API)
@success("apigateway:UpdateStage", source=f"{API}; aws-facts §9 row 12")
@success("apigateway:DeleteDeployment", source=API)
@success("apigateway:DeleteStage", source=API)
@refusal("apigateway:CreateStage", "ConflictException", source=API)
@refusal("apigateway:CreateStage", "NotFoundException", source=API)
@refusal("apigateway:UpdateStage", "BadRequestException", source=API)
@refusal("apigateway:UpdateStage", "NotFoundException", source=API)
@refusal("apigateway:DeleteDeployment", "BadRequestException", source=WORDS)
@refusal("apigateway:GetStage", "NotFoundException", source=API)
@real("nothing")
def test_a_stage_serves_one_deployment_which_then_cannot_go(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws)
    first, second = made.deployment(aws, api), made.deployment(aws, api)
    here = {"restApiId": api, "stageName": "live"}
    refused(client.create_stage, "NotFoundException", **here, deploymentId="nothing")
    client.create_stage(**here, deploymentId=first)
    refused(client.create_stage, "ConflictException", **here, deploymentId=first)
    told = refused(client.delete_deployment, "BadRequestException", restApiId=api, deploymentId=first)
    assert "must be moved or deleted" in told
    change = lambda path, value: [{"op": "replace", "path": path, "value": value}]  # noqa: E731
    refused(client.update_stage, "NotFoundException", **here, patchOperations=change("/deploymentId", "nothing"))
    refused(client.update_stage, "BadRequestException", **here, patchOperations=change("/nothing", "x"))
    client.update_stage(**here, patchOperations=change("/deploymentId", second))
    assert client.get_stage(**here)["deploymentId"] == second
    client.delete_deployment(restApiId=api, deploymentId=first)
    client.delete_stage(**here)
    refused(client.get_stage, "NotFoundException", **here)


@refusal(
    "apigateway:CreateStage",
    "BadRequestException",
    source="sst#1556, virtual-waiting-room-on-aws#74 [S]; access log format [V]",
)
@refusal("apigateway:UpdateAccount", "BadRequestException", source=WORDS)
@success("apigateway:UpdateAccount", source=API)
@success("apigateway:GetAccount", source=API)
def test_access_logs_need_the_accounts_role_and_a_destination(aws: Target) -> None:
    client, logs, api = aws.client("apigateway"), aws.client("logs"), made.rest_api(aws)
    deployment = made.deployment(aws, api)
    logs.create_log_group(logGroupName=aws.name())
    group = f"arn:aws:logs:us-east-1:{aws.account()}:log-group:{aws.name()}"

    def log(arn: str, form: str) -> str:
        setting = [{"op": "replace", "path": "/accessLogSettings/destinationArn", "value": arn}]
        setting.append({"op": "replace", "path": "/accessLogSettings/format", "value": form})
        return refused(
            client.update_stage, "BadRequestException", restApiId=api, stageName="live", patchOperations=setting
        )

    client.create_stage(restApiId=api, stageName="live", deploymentId=deployment)
    assert "CloudWatch Logs role ARN must be set" in log(group, "$context.requestId")
    change = lambda arn: [{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]  # noqa: E731
    wrong, right = (
        made.role(aws, "lambda.amazonaws.com", name="a"),
        made.role(aws, "apigateway.amazonaws.com", name="b"),
    )
    refused(client.update_account, "BadRequestException", patchOperations=change(wrong))
    aws.patiently(client.update_account, patchOperations=change(right))
    assert client.get_account()["cloudwatchRoleArn"] == right
    assert "Invalid ARN" in log("arn:aws:sqs:us-east-1:111111111111:q", "$context.requestId")
    assert "does not exist" in log(group + "-none", "$context.requestId")
    assert "requestId" in log(group, "$context.path")


@refusal("apigateway:UpdateStage", "BadRequestException", source="Throttling of requests [V]; that it is refused [K]")
def test_a_stage_does_not_allow_more_than_the_account(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws)
    client.create_stage(restApiId=api, stageName="live", deploymentId=made.deployment(aws, api))
    more = [{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "10001"}]
    refused(client.update_stage, "BadRequestException", restApiId=api, stageName="live", patchOperations=more)


@refusal("apigateway:DeleteRestApi", "BadRequestException", source="serverless#3638 [S]")
@refusal("apigateway:DeleteStage", "BadRequestException", source=API)
@state(
    "apigateway:DeleteDomainName", "takes its mappings along", source="chalice#1898, serverless-domain-manager#389 [S]"
)
def test_what_a_domain_maps_to_cannot_go(aws: Target) -> None:
    client, api = aws.client("apigateway"), made.rest_api(aws)
    client.create_stage(restApiId=api, stageName="live", deploymentId=made.deployment(aws, api))
    certificate = made.certificate(aws, "a.example.com")
    kinds = {"types": ["REGIONAL"]}
    aws.patiently(
        client.create_domain_name,
        domainName="a.example.com",
        regionalCertificateArn=certificate,
        endpointConfiguration=kinds,
    )
    client.create_base_path_mapping(domainName="a.example.com", restApiId=api, stage="live")
    refused(client.delete_stage, "BadRequestException", restApiId=api, stageName="live")
    told = refused(client.delete_rest_api, "BadRequestException", restApiId=api)
    assert "Please remove all base path mappings" in told
    aws.patiently(client.delete_domain_name, domainName="a.example.com")
    client.delete_stage(restApiId=api, stageName="live")
