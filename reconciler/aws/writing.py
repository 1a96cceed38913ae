"""Makes the reconciler's requests. Each gets one attempt, and one that AWS has already carried out is no error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.aws import failures, put_back, schema, write_database
from reconciler.aws.assets import publish, publish_text
from reconciler.aws.clients import Clients
from reconciler.aws.read_change_set import describe_change_set
from reconciler.aws.read_global import GLOBAL
from reconciler.aws.sending import send
from reconciler.model.requests import (
    ContinueRollback,
    CreateChangeSet,
    CreateGate,
    DeleteChangeSet,
    DeleteGate,
    DeleteStack,
    DeleteVersion,
    DetectDrift,
    EnableProbe,
    ExecuteChangeSet,
    Migrate,
    PrepareDatabase,
    PutRecord,
    Request,
    RescueKey,
    RotateKey,
    UpdateGate,
)

BODY_LIMIT = 51_200
"""Bytes of a template that CreateChangeSet takes inline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRoles:
    """ARNs of the roles that CloudFormation acts as; empty: as whoever calls, or as the role that the stack has already."""

    deploy: str = ""
    delete: str = ""

    @staticmethod
    def told(environment: Mapping[str, str]) -> ServiceRoles:
        """As `meridian-control` sets them for the functions; whoever runs the command with them needs no rights of his own."""
        return ServiceRoles(
            deploy=environment.get("MERIDIAN_SERVICE_ROLE", ""), delete=environment.get("MERIDIAN_DELETE_ROLE", "")
        )


OWN_RIGHTS = ServiceRoles()


def perform(clients: Clients, request: Request, roles: ServiceRoles = OWN_RIGHTS) -> None:
    match request:
        case CreateChangeSet():
            _create_change_set(clients, request, roles)
        case DetectDrift():
            _detect_drift(clients, request, roles)
        case ExecuteChangeSet():
            _execute_change_set(clients, request)
        case DeleteChangeSet():
            _on_stack(clients, request, "delete_change_set", ChangeSetName=request.name)
        case DeleteStack():
            _on_stack(clients, request, "delete_stack", StackName=request.stack_id, **_role(roles.delete))
        case ContinueRollback():
            _on_stack(clients, request, "continue_update_rollback", **_role(roles.deploy))
        case CreateGate():
            _create_gate(clients, request)
        case UpdateGate():
            _update_gate(clients, request)
        case DeleteGate():
            route53 = clients.writer("route53", GLOBAL)
            send(
                request.call,
                GLOBAL,
                lambda: route53.delete_health_check(HealthCheckId=request.id),
                "NoSuchHealthCheck",
            )
        case DeleteVersion():
            _delete_version(clients, request)
        case RescueKey() | RotateKey() | PutRecord() | EnableProbe():
            put_back.perform(clients, request)
        case PrepareDatabase() | Migrate():
            schema.perform(clients, request)
        case _:
            write_database.perform(clients, request)


def _role(arn: str) -> dict[str, str]:
    return {"RoleARN": arn} if arn else {}


def _create_change_set(clients: Clients, request: CreateChangeSet, roles: ServiceRoles) -> None:
    region = request.stack.region
    for asset in request.assets:
        publish(clients, region, request.bucket, asset)
    arguments: dict[str, Any] = {
        "StackName": request.stack_name,
        "ChangeSetName": request.name,
        "ClientToken": request.name,
        "ChangeSetType": "IMPORT" if request.adopts else "CREATE" if request.create else "UPDATE",
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Description": request.description,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(request.parameters.items())],
        **_template(clients, request),
        **_role(roles.deploy),
    }
    if request.adopts:
        arguments["ResourcesToImport"] = [
            {
                "ResourceType": one.resource_type,
                "LogicalResourceId": one.logical_id,
                "ResourceIdentifier": dict(one.identifier),
            }
            for one in request.adopts
        ]
    if request.revert_drift:
        arguments["DeploymentMode"] = "REVERT_DRIFT"
    client = clients.writer("cloudformation", region)
    send(request.call, region, lambda: client.create_change_set(**arguments), "AlreadyExistsException")


def _detect_drift(clients: Clients, request: DetectDrift, roles: ServiceRoles) -> None:
    """A name that is taken is ours, left by one that died: whoever asks has looked for it, so it is no more than a race lost."""
    region = request.stack.region
    client = clients.writer("cloudformation", region)
    arguments: dict[str, Any] = {
        "StackName": request.stack_name,
        "ChangeSetName": request.name,
        "ChangeSetType": "UPDATE",
        "DeploymentMode": "REVERT_DRIFT",
        "UsePreviousTemplate": True,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Description": "what drifted; never executed",
        "Parameters": [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(request.parameters)],
        **_role(roles.deploy),
    }
    send(request.call, region, lambda: client.create_change_set(**arguments), "AlreadyExistsException")


def _template(clients: Clients, request: CreateChangeSet) -> dict[str, str]:
    body = json.dumps(request.template, separators=(",", ":"))
    if len(body.encode()) <= BODY_LIMIT:
        return {"TemplateBody": body}
    region, key = request.stack.region, f"templates/{request.name}.json"
    publish_text(clients, region, request.bucket, key, body)
    return {"TemplateURL": f"https://s3.{region}.amazonaws.com/{request.bucket}/{key}"}


def _execute_change_set(clients: Clients, request: ExecuteChangeSet) -> None:
    region = request.stack.region
    client = clients.writer("cloudformation", region)
    try:
        client.execute_change_set(
            StackName=request.stack_name,
            ChangeSetName=request.name,
            ClientRequestToken=request.name,
            # What this very operation made goes again when it rolls back, retained types too: a bucket or a key that held
            # nothing yet would only stand in the way of the next try.
            RetainExceptOnCreate=True,
        )
    except failures.AwsError as error:
        if failures.code(error).startswith("InvalidChangeSetStatus"):
            seen = describe_change_set(clients, region, request.stack_name, request.name)
            if seen and seen.execution_status in {"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"}:
                return
        raise failures.translated(error, request.call, region) from error


def _on_stack(
    clients: Clients, request: DeleteChangeSet | DeleteStack | ContinueRollback, operation: str, **arguments: str
) -> None:
    region = request.stack.region
    call = getattr(clients.writer("cloudformation", region), operation)
    send(request.call, region, lambda: call(**({"StackName": request.stack_name} | arguments)))


def _create_gate(clients: Clients, request: CreateGate) -> None:
    """The reference is what the gate is found by: tags follow, and a crash in between must not make a second gate. The same
    request again gives the gate that is there; where Route 53 refuses it, passing that over would be trying for ever."""
    client = clients.writer("route53", GLOBAL)
    config = {
        "Type": "CALCULATED",
        "ChildHealthChecks": list(request.children),
        "HealthThreshold": request.threshold,
    }
    created = send(
        request.call,
        GLOBAL,
        lambda: client.create_health_check(CallerReference=request.reference, HealthCheckConfig=config),
    )
    tags = {"meridian:topology": request.topology, "meridian:gate": request.region}
    send(
        "route53:ChangeTagsForResource",
        GLOBAL,
        lambda: client.change_tags_for_resource(
            ResourceType="healthcheck",
            ResourceId=created["HealthCheck"]["Id"],
            AddTags=[{"Key": key, "Value": value} for key, value in tags.items()],
        ),
    )


def _update_gate(clients: Clients, request: UpdateGate) -> None:
    client = clients.writer("route53", GLOBAL)
    send(
        request.call,
        GLOBAL,
        lambda: client.update_health_check(
            HealthCheckId=request.id,
            HealthCheckVersion=request.version,
            ChildHealthChecks=list(request.children),
            HealthThreshold=request.threshold,
            Inverted=False,
            Disabled=False,
        ),
    )


def _delete_version(clients: Clients, request: DeleteVersion) -> None:
    client = clients.writer("lambda", request.region)
    wanted = {"FunctionName": request.function, "Qualifier": request.version}
    send(request.call, request.region, lambda: client.delete_function(**wanted), "ResourceNotFoundException")
