"""What somebody may do by hand to what serves, through plain AWS calls, and the one path where it must show."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.contract.conformance import made
from tests.embedded.conftest import Aws

DOMAIN, ZONE = "api.example.com", "Z0123456789EXAMPLE"


def functions(aws: Aws) -> Any:
    return aws.client("lambda", "eu-west-1")


def code(aws: Aws) -> None:
    functions(aws).update_function_code(FunctionName="meridian-orders-api", ZipFile=made.archive())


def router_code(aws: Aws) -> None:
    name = next(
        f["FunctionName"] for f in aws.client("lambda").list_functions()["Functions"] if "Router" in f["FunctionName"]
    )
    aws.client("lambda").update_function_code(FunctionName=name, ZipFile=made.archive())


def variable(aws: Aws) -> None:
    found = functions(aws).get_function_configuration(FunctionName="meridian-orders-api")["Environment"]["Variables"]
    more = {"Variables": {**found, "DEBUG": "1"}}
    functions(aws).update_function_configuration(FunctionName="meridian-orders-api", Environment=more)


def brake(aws: Aws) -> None:
    functions(aws).put_function_concurrency(FunctionName="meridian-orders-api", ReservedConcurrentExecutions=0)


def caller(aws: Aws) -> None:
    functions(aws).add_permission(
        FunctionName="meridian-orders-api",
        StatementId="stranger",
        Action="lambda:InvokeFunction",
        Principal="222222222222",
    )


def function_tag(aws: Aws) -> None:
    arn = functions(aws).get_function_configuration(FunctionName="meridian-orders-api")["FunctionArn"]
    functions(aws).untag_resource(Resource=arn, TagKeys=["meridian:topology"])


def stage_tag(aws: Aws) -> None:
    gateway = aws.client("apigateway", "eu-west-1")
    api = gateway.get_rest_apis()["items"][0]["id"]
    gateway.untag_resource(
        resourceArn=f"arn:aws:apigateway:eu-west-1::/restapis/{api}/stages/live", tagKeys=["meridian:stack"]
    )


def canary(aws: Aws) -> None:
    gateway = aws.client("apigateway", "eu-west-1")
    api = gateway.get_rest_apis()["items"][0]["id"]
    patch = [{"op": "replace", "path": "/canarySettings/percentTraffic", "value": "10"}]
    gateway.update_stage(restApiId=api, stageName="live", patchOperations=patch)


def delivery(aws: Aws) -> None:
    logs = aws.client("logs")
    logs.delete_delivery(id=logs.describe_deliveries()["deliveries"][0]["id"])


def own_statement(aws: Aws) -> None:
    policy = json.loads(functions(aws).get_policy(FunctionName="meridian-orders-api")["Policy"])
    functions(aws).remove_permission(FunctionName="meridian-orders-api", StatementId=policy["Statement"][0]["Sid"])


def name_servers(aws: Aws) -> None:
    listed = aws.client("route53").list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    record = next(r for r in listed if r["Type"] == "NS")
    others = [{"Value": "ns.elsewhere.example."}, *record["ResourceRecords"][1:]]
    change_record(aws, "UPSERT", {**record, "ResourceRecords": others})


def method(aws: Aws) -> None:
    gateway = aws.client("apigateway", "eu-west-1")
    api = gateway.get_rest_apis()["items"][0]["id"]
    root = next(r["id"] for r in gateway.get_resources(restApiId=api)["items"] if r["path"] == "/")
    patch = [{"op": "replace", "path": "/authorizationType", "value": "NONE"}]
    gateway.update_method(restApiId=api, resourceId=root, httpMethod="GET", patchOperations=patch)


def other_mapping(aws: Aws) -> None:
    gateway = aws.client("apigateway", "eu-west-1")
    api = gateway.get_rest_apis()["items"][0]["id"]
    gateway.create_base_path_mapping(domainName=f"origin.{DOMAIN}", basePath="v2", restApiId=api, stage="live")


def strange_record(aws: Aws) -> None:
    record = {"Name": f"route.{DOMAIN}", "Type": "CNAME", "SetIdentifier": "mine", "Region": "sa-east-1", "TTL": 10}
    change_record(aws, "CREATE", {**record, "ResourceRecords": [{"Value": "elsewhere.example.com"}]})


def validation(aws: Aws) -> None:
    route53 = aws.client("route53")
    listed = route53.list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    name = f".eu-west-1.origin.{DOMAIN}."
    change_record(aws, "DELETE", next(r for r in listed if r["Name"].startswith("_") and r["Name"].endswith(name)))


def change_record(aws: Aws, action: str, record: dict[str, Any]) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)


def headers(aws: Aws) -> None:
    cloudfront = aws.client("cloudfront")
    listed = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]["Items"]
    found = listed[0]["ResponseHeadersPolicy"]
    config = json.loads(json.dumps(found["ResponseHeadersPolicyConfig"]))
    config["SecurityHeadersConfig"]["FrameOptions"]["FrameOption"] = "SAMEORIGIN"
    etag = cloudfront.get_response_headers_policy(Id=found["Id"])["ETag"]
    cloudfront.update_response_headers_policy(Id=found["Id"], IfMatch=etag, ResponseHeadersPolicyConfig=config)


REGION = "regions/eu-west-1/api"
SERVING: dict[str, Callable[[Aws], None]] = {
    "regions/eu-west-1/api/code": code,
    "edge/Router/Code/S3Key": router_code,
    f"{REGION}/Function/Environment/Variables/DEBUG": variable,
    f"{REGION}/Function/ReservedConcurrentExecutions": brake,
    f"{REGION}/Function/Policy": caller,
    f"{REGION}/Function/Tags": function_tag,
    f"{REGION}/Stage/Tags": stage_tag,
    f"{REGION}/Stage/CanarySetting": canary,
    f"{REGION}/Invoke": own_statement,
    "edge/LogDelivery": delivery,
    "domain/hostedZoneId/nameServers": name_servers,
    f"{REGION}/Api/Body": method,
    f"{REGION}/SharedMapping/Others": other_mapping,
    f"routing/records/route.{DOMAIN}/CNAME/mine": strange_record,
    f"{REGION}/Certificate/DomainValidationOptions/eu-west-1.origin.{DOMAIN}/HostedZoneId": validation,
    "edge/Headers/ResponseHeadersPolicyConfig/SecurityHeadersConfig/FrameOptions/FrameOption": headers,
}
