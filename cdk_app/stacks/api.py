"""Stack `api`: a Region's function behind its REST API, the names it answers to, the migrations runner, and the alarms.

The API's own execute-api name is off. Only the edge role and the probe role get past the health path: in one account
an IAM permission alone would do, so everybody else is denied by name.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_app import openapi
from cdk_app.stacks import functions
from cdk_app.stacks.api_clients import client_variables
from cdk_app.stacks.api_names import add_names
from cdk_app.stacks.base import MeridianStack, arn, policy, role_arn, statement, sub
from cdk_app.stacks.functions import Database, add_function
from reconciler.model.topology import Topology

STAGE = "live"
DATABASE_USER = "app"
ACCESS_LOG = {
    "id": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "caller": "$context.identity.userArn",
    "error": "$context.error.message",
}
MIGRATOR = "meridian_migrator"
"""Owns the schema. The founder's first migration makes it."""
MIGRATE_SECONDS = 900
"""As long as Lambda lets a function run."""


class Api(MeridianStack):
    def __init__(
        self, scope: Construct, topology: Topology, *, artifact: str, region: str | None, code: Path, runner: Path
    ) -> None:
        super().__init__(scope, topology, "api", artifact=artifact, region=region)
        self.topology = topology
        self.function_name = f"meridian-{topology.name}-api"
        self.signed = topology.api.origin_auth != "none"
        database = functions.database(self)
        function = self._function(database, code)
        self._runner(database, runner)
        api = self._rest_api(openapi.routes(code / "openapi.yaml"))
        stage = self._stage(api)
        self._permit(function)
        self._alarms()
        self.output("ApiId", api.ref)
        add_names(self, topology, api=api, stage=stage)

    def _function(self, database: Database, code: Path) -> lambda_.CfnFunction:
        api = self.topology.api
        return add_function(
            self,
            self.topology,
            database,
            logical="Function",
            role="Role",
            suffix="api",
            user=DATABASE_USER,
            code=code,
            variables={"HEALTH_PATH": api.health.path, **client_variables(self, api.client)},
            runtime=api.runtime,
            handler=api.handler,
            memory_size=api.memory_mb,
            timeout=api.timeout_seconds,
        )

    def _runner(self, database: Database, code: Path) -> None:
        """Carries out migrations where the Region writes; nobody but the reconciler calls it."""
        add_function(
            self,
            self.topology,
            database,
            logical="Migrate",
            role="MigrateRole",
            suffix="migrate",
            user=MIGRATOR,
            code=code,
            variables={"APP_USER": DATABASE_USER},
            runtime="python3.13",
            handler="runner.handler",
            memory_size=256,
            timeout=MIGRATE_SECONDS,
        )

    def _admission(self) -> dict[str, Any]:
        """Who may call: with `auth.origin: none` anybody, and the statement's name says so."""
        public = {"Principal": "*"}
        if not self.signed:
            return policy(statement("Allow", "execute-api:Invoke", "execute-api:/*", Sid="OriginIsPublic", **public))
        name = self.topology.name
        callers = [sub(role_arn(f"meridian-{name}-{role}")) for role in ("edge", "probe")]
        return policy(
            statement("Allow", "execute-api:Invoke", "execute-api:/*", Sid="Callers", **public),
            {
                "Sid": "OnlyEdgeAndProbe",
                "Effect": "Deny",
                "Action": "execute-api:Invoke",
                "NotResource": f"execute-api:/{STAGE}/GET{self.topology.api.health.path}",
                "Condition": {"StringNotEquals": {"aws:PrincipalArn": callers}},
                **public,
            },
        )

    def _rest_api(self, routes: dict[str, tuple[str, ...]]) -> apigateway.CfnRestApi:
        function = arn("lambda", f"function:{self.function_name}")
        uri = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{function}/invocations"
        body = openapi.definition(
            self.topology.name, routes, health=self.topology.api.health.path, signed=self.signed, uri=sub(uri)
        )
        admission = self._admission()
        # Methods and policy take effect with a deployment, so a deployment is named after them.
        content = json.dumps([body, admission], sort_keys=True).encode()
        self.deployment_id = f"Deployment{hashlib.sha256(content).hexdigest()[:10]}"
        return apigateway.CfnRestApi(
            self,
            "Api",
            name=self.topology.name,
            body=body,
            policy=admission,
            disable_execute_api_endpoint=True,
            endpoint_configuration=apigateway.CfnRestApi.EndpointConfigurationProperty(types=["REGIONAL"]),
        )

    def _stage(self, api: apigateway.CfnRestApi) -> apigateway.CfnStage:
        deployment = apigateway.CfnDeployment(self, self.deployment_id, rest_api_id=api.ref)
        deployment.apply_removal_policy(cdk.RemovalPolicy.RETAIN)  # the way back
        throttle = self.topology.api
        access = functions.add_log_group(self, self.topology, "AccessLogs", "access")
        stage = apigateway.CfnStage(
            self,
            "Stage",
            rest_api_id=api.ref,
            stage_name=STAGE,
            deployment_id=deployment.ref,
            access_log_setting=apigateway.CfnStage.AccessLogSettingProperty(
                destination_arn=cdk.Fn.sub(arn("logs", f"log-group:/meridian/{self.topology.name}/access")),
                format=json.dumps(ACCESS_LOG, separators=(",", ":")),
            ),
            method_settings=[
                apigateway.CfnStage.MethodSettingProperty(
                    resource_path="/*",
                    http_method="*",
                    metrics_enabled=True,
                    throttling_rate_limit=throttle.throttle_rate,
                    throttling_burst_limit=throttle.throttle_burst,
                )
            ],
        )
        stage.add_resource_dependency(access)
        return stage

    def _permit(self, function: lambda_.CfnFunction) -> None:
        lambda_.CfnPermission(
            self,
            "Invoke",
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            function_name=self.function_name,
            source_arn=cdk.Fn.sub(arn("execute-api", "${Api}/*")),
        ).add_resource_dependency(function)

    def _alarms(self) -> None:
        half_the_timeout = self.topology.api.timeout_seconds * 500
        self._alarm(
            "ErrorsAlarm", "5XXError", "more than one request in twenty fails", threshold=0.05, statistic="Average"
        )
        self._alarm(
            "SlowAlarm",
            "Latency",
            "slow for one request in twenty",
            threshold=half_the_timeout,
            extended_statistic="p95",
        )

    def _alarm(self, logical: str, metric: str, description: str, **more: Any) -> None:
        dimensions = {"ApiName": self.topology.name, "Stage": STAGE}
        cloudwatch.CfnAlarm(
            self,
            logical,
            alarm_name=f"meridian-{self.topology.name}-api-{metric.lower()}",
            alarm_description=description,
            namespace="AWS/ApiGateway",
            metric_name=metric,
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=k, value=v) for k, v in dimensions.items()],
            period=60,
            evaluation_periods=3,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            **more,
        )
