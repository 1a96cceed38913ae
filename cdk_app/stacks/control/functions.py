"""The functions `wake`, `reconcile` and `synth`, each with its role, its log group, and nothing else in common.

`synth` is an image, there only if one is given: without it every template that is needed must be in the store already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets

from cdk_app.stacks.base import LOG_DAYS, MeridianStack, arn, role_arn, sub
from cdk_app.stacks.control import rights
from cdk_app.stacks.control.roles import add_role
from cdk_app.stacks.control.storage import Storage
from reconciler.model.control import RECONCILE, RUNTIME, SERVICE, SERVICE_DELETE, SYNTH, WAKE

PASS_SECONDS = 180
"""A pass never waits: it ends long before. Below the queue's visibility timeout, or two would do the same work."""
AT_ONCE = 10
"""Passes that may run at the same time, each of another topology."""
_OWN = (RECONCILE, SYNTH, SERVICE, SERVICE_DELETE)
"""Roles whose calls are our own doing."""


@dataclass(frozen=True, kw_only=True)
class Functions:
    wake: lambda_.CfnFunction
    reconcile: lambda_.CfnFunction


def add_functions(stack: MeridianStack, storage: Storage, observing: str, code: Path, events: str) -> Functions:
    """`observing` is the ARN of the policy that lets one look, `events` of the topic for notices."""
    asset = assets.Asset(stack, "Code", path=str(code))
    stack.text("Runtime", pattern="python3\\.[0-9]+", default=RUNTIME)
    stack.text("Architecture", pattern="arm64|x86_64", default="arm64")
    image = stack.text("SynthImage", default="")
    synthesises = cdk.CfnCondition(
        stack, "Synthesises", expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(image, ""))
    )
    zipped: dict[str, Any] = {
        "code": lambda_.CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key),
        "runtime": cdk.Fn.ref("Runtime"),
    }
    wake = _function(
        stack,
        "Wake",
        WAKE,
        rights.wake(storage.key_arn),
        environment=_environment(storage)
        | {"MERIDIAN_OWN_ROLES": cdk.Fn.sub(",".join(role_arn(name) for name in _OWN))},
        handler="handlers.wake.app.handler",
        memory_size=256,
        timeout=30,
        **zipped,
    )
    reconcile = _function(
        stack,
        "Reconcile",
        RECONCILE,
        rights.orchestrator(storage.key_arn),
        managed=[observing],
        environment=_environment(storage)
        | {
            "MERIDIAN_SERVICE_ROLE": cdk.Fn.sub(role_arn(SERVICE)),
            "MERIDIAN_DELETE_ROLE": cdk.Fn.sub(role_arn(SERVICE_DELETE)),
            "MERIDIAN_EVENTS_TOPIC": events,
            "MERIDIAN_SYNTH_FUNCTION": cdk.Fn.condition_if("Synthesises", SYNTH, "").to_string(),
        },
        handler="handlers.reconcile.app.handler",
        memory_size=1024,
        timeout=PASS_SECONDS,
        **zipped,
    )
    _function(
        stack,
        "Synth",
        SYNTH,
        rights.synth(storage.key_arn),
        condition=synthesises,
        environment=_environment(storage),
        code=lambda_.CfnFunction.CodeProperty(image_uri=image),
        package_type="Image",
        memory_size=2048,
        timeout=120,
    )
    lambda_.CfnEventSourceMapping(
        stack,
        "Messages",
        event_source_arn=storage.queue_arn,
        function_name=reconcile.ref,
        batch_size=1,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=AT_ONCE),
    )
    return Functions(wake=wake, reconcile=reconcile)


def _environment(storage: Storage) -> dict[str, str]:
    return {
        "MERIDIAN_BUCKET": storage.bucket,
        "MERIDIAN_QUEUE_URL": storage.queue_url,
        "MERIDIAN_HOME_REGION": cdk.Aws.REGION,
        "MERIDIAN_ACCOUNT": cdk.Aws.ACCOUNT_ID,
        "MERIDIAN_CACHE": "/tmp/meridian",  # noqa: S108  # the one folder that Lambda lets a function write to
    }


def _function(
    stack: MeridianStack,
    logical: str,
    name: str,
    statements: rights.Statements,
    *,
    environment: dict[str, str],
    condition: cdk.CfnCondition | None = None,
    managed: list[str] | None = None,
    **settings: Any,
) -> lambda_.CfnFunction:
    group = logs.CfnLogGroup(
        stack, f"{logical}Logs", log_group_name=f"/meridian/control/{logical.lower()}", retention_in_days=LOG_DAYS
    )
    lines = sub(arn("logs", f"log-group:/meridian/control/{logical.lower()}:*"))
    role = add_role(
        stack,
        f"{logical}Role",
        name,
        {"Service": "lambda.amazonaws.com"},
        {**statements, "logs": [rights.allow(["logs:CreateLogStream", "logs:PutLogEvents"], lines)]},
        managed=managed,
    )
    function = lambda_.CfnFunction(
        stack,
        logical,
        function_name=name,
        architectures=[cdk.Fn.ref("Architecture")],
        role=role.attr_arn,
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=group.ref),
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=environment),
        **settings,
    )
    if condition:
        for resource in (group, role, function):
            resource.cfn_options.condition = condition
    return function
