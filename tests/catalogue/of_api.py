"""What is done by hand to a Region's functions, API and names (rows 12 to 18, 31, 34, 35)."""

from __future__ import annotations

import io
import json
import zipfile

from tests.catalogue.hand import DOMAIN, EU, FUNCTION, Hand, document


def points_the_stage_elsewhere(hand: Hand) -> None:
    gateway, api = hand.client("apigateway", EU), hand.made("api", "Api", EU)
    other = gateway.create_deployment(restApiId=api, description="trying something")["id"]
    hand.patch_stage("/deploymentId", other)


def edits_a_method(hand: Hand) -> None:
    """Not live before somebody deploys it."""
    paths = {"/debug": {"get": {"responses": {}, "x-amazon-apigateway-integration": {"type": "mock"}}}}
    body = json.dumps({"openapi": "3.0.1", "info": {"title": "orders", "version": "1"}, "paths": paths})
    hand.client("apigateway", EU).put_rest_api(restApiId=hand.made("api", "Api", EU), mode="merge", body=body)


def opens_the_api(hand: Hand) -> None:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    hand.patch_api("/policy", document(allow))


def enables_the_default_endpoint(hand: Hand) -> None:
    hand.patch_api("/disableExecuteApiEndpoint", "false")


def throttles(hand: Hand) -> None:
    hand.patch_stage("/*/*/throttling/rateLimit", "5")


def shortens_the_access_log(hand: Hand) -> None:
    hand.patch_stage("/accessLogSettings/format", "$context.requestId $context.status")


def lets_old_tls_in(hand: Hand) -> None:
    gateway, name = hand.client("apigateway", EU), f"{EU}.origin.{DOMAIN}"
    patch = [{"op": "replace", "path": "/securityPolicy", "value": "TLS_1_0"}]
    gateway.update_domain_name(domainName=name, patchOperations=patch)
    hand.until(lambda: gateway.get_domain_name(domainName=name)["domainNameStatus"] == "AVAILABLE")


def deletes_a_mapping(hand: Hand) -> None:
    hand.client("apigateway", EU).delete_base_path_mapping(domainName=f"origin.{DOMAIN}", basePath="(none)")


def replaces_the_code(hand: Hand) -> None:
    client = hand.client("lambda", EU)
    client.update_function_code(FunctionName=FUNCTION, ZipFile=_zip("def handler(event, context): return 'patched'"))
    hand.until(lambda: _settled(hand))


def _zip(source: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("app.py", source)
    return held.getvalue()


def _settled(hand: Hand) -> bool:
    found = hand.client("lambda", EU).get_function_configuration(FunctionName=FUNCTION)
    return bool(found["LastUpdateStatus"] == "Successful")


def shrinks_the_function(hand: Hand) -> None:
    hand.client("lambda", EU).update_function_configuration(FunctionName=FUNCTION, MemorySize=256)
    hand.until(lambda: _settled(hand))


def asks_clients_for_no_token(hand: Hand) -> None:
    _variables(hand, CLIENT_MODE="open")


def adds_a_variable(hand: Hand) -> None:
    _variables(hand, DEBUG="1")


def _variables(hand: Hand, **more: str) -> None:
    client = hand.client("lambda", EU)
    variables = client.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": {**variables, **more}})
    hand.until(lambda: _settled(hand))


def throttles_the_function(hand: Hand) -> None:
    hand.client("lambda", EU).put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=90)


def takes_the_gateways_permission(hand: Hand) -> None:
    client = hand.client("lambda", EU)
    (statement,) = json.loads(client.get_policy(FunctionName=FUNCTION)["Policy"])["Statement"]
    client.remove_permission(FunctionName=FUNCTION, StatementId=statement["Sid"])


def lets_another_account_call(hand: Hand) -> None:
    hand.client("lambda", EU).add_permission(
        FunctionName=FUNCTION, StatementId="partner", Action="lambda:InvokeFunction", Principal="222222222222"
    )


def widens_the_functions_role(hand: Hand) -> None:
    allow = {"Effect": "Allow", "Action": "rds-db:*", "Resource": "*"}
    role = hand.made("api", "Role", EU)
    hand.client("iam").put_role_policy(RoleName=role, PolicyName="database", PolicyDocument=document(allow))


def attaches_a_policy(hand: Hand) -> None:
    role = hand.made("api", "Role", EU)
    hand.client("iam").attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def keeps_logs_shorter(hand: Hand) -> None:
    hand.client("logs", EU).put_retention_policy(logGroupName="/meridian/orders/api", retentionInDays=7)


def deletes_a_log_group(hand: Hand) -> None:
    hand.client("logs", EU).delete_log_group(logGroupName="/meridian/orders/access")


def moves_an_alarms_threshold(hand: Hand) -> None:
    client = hand.client("cloudwatch", EU)
    (alarm,) = client.describe_alarms(AlarmNames=["meridian-orders-api-5xxerror"])["MetricAlarms"]
    settable = {
        *("AlarmName", "AlarmDescription", "MetricName", "Namespace", "Statistic", "Dimensions", "Period"),
        *("EvaluationPeriods", "ComparisonOperator", "TreatMissingData"),
    }
    client.put_metric_alarm(**{key: alarm[key] for key in settable if key in alarm}, Threshold=90)


def takes_the_functions_tags(hand: Hand) -> None:
    client = hand.client("lambda", EU)
    arn = client.get_function_configuration(FunctionName=FUNCTION)["FunctionArn"]
    client.untag_resource(Resource=arn, TagKeys=["meridian:topology"])
