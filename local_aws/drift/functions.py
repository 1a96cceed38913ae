"""What the functions really are: configuration, versions and who may invoke them."""

from typing import Any

from ministack.services import lambda_svc

from local_aws.drift.shape import renamed

Properties = dict[str, Any]


def function(physical_id: str, _props: Properties) -> Properties | None:
    found = lambda_svc._functions.get(physical_id)
    if found is None:
        return None
    config = found["config"]
    same_names = [
        "FunctionName",
        "Runtime",
        "Handler",
        "Role",
        "Timeout",
        "MemorySize",
        "Description",
        "Architectures",
        "PackageType",
        "EphemeralStorage",
        "TracingConfig",
        "Environment",
        "DeadLetterConfig",
        "LoggingConfig",
        "KmsKeyArn",
        "FileSystemConfigs",
    ]
    live = renamed(config, {name: name for name in same_names})
    live["Layers"] = [layer["Arn"] if isinstance(layer, dict) else layer for layer in config.get("Layers") or []]
    vpc = config.get("VpcConfig") or {}
    live["VpcConfig"] = {key: vpc.get(key) or [] for key in ("SubnetIds", "SecurityGroupIds")}
    live["ReservedConcurrentExecutions"] = found.get("concurrency")
    return live | {"Tags": found.get("tags", {})}


def version(physical_id: str, props: Properties) -> Properties | None:
    """A published version never changes; it can be gone."""
    name, _, number = physical_id.rpartition(":")
    found = lambda_svc._functions.get(name.rsplit(":", 1)[-1])
    published = (found or {}).get("versions", {}).get(number)
    if published is None:
        return None
    config = published.get("config", {})
    return {"FunctionName": props.get("FunctionName"), "Description": config.get("Description")}


# Where AddPermission keeps a property in the statement's condition.
_CONDITIONS = {
    "SourceArn": "aws:sourcearn",
    "SourceAccount": "aws:sourceaccount",
    "PrincipalOrgID": "aws:principalorgid",
    "FunctionUrlAuthType": "lambda:functionurlauthtype",
    "EventSourceToken": "lambda:eventsourcetoken",
}


def permission(physical_id: str, props: Properties) -> Properties | None:
    """The statement that the stack added, by its id."""
    found = lambda_svc._functions.get(_function_name(str(props.get("FunctionName", ""))))
    statements = ((found or {}).get("policy") or {}).get("Statement") or []
    statement = next((s for s in statements if s.get("Sid") in (physical_id, props.get("Id"))), None)
    if statement is None:
        return None
    principal = statement.get("Principal")
    tests = statement.get("Condition") or {}
    given = {key.lower(): value for test in tests.values() for key, value in test.items()}
    return {
        "FunctionName": props.get("FunctionName"),
        "Action": statement.get("Action"),
        "Principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
        **{name: given.get(key) for name, key in _CONDITIONS.items()},
    }


def _function_name(reference: str) -> str:
    """A name, an ARN, or either with a qualifier."""
    parts = reference.split(":")
    return parts[6] if len(parts) > 6 else parts[0]
