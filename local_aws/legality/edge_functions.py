"""Lambda@Edge: which versions CloudFront takes, and that one it has copied to its locations does not go for hours."""

from typing import Any, NoReturn

from ministack.core.responses import error_response_json
from ministack.services import cloudfront, lambda_svc

from local_aws import durations, states
from local_aws.iam import trust
from local_aws.legality.guard import on_call, on_stack
from local_aws.lingering import Seen, counting
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties

PATCHED: tuple[str, ...] = (
    "ministack.services.cloudfront._distributions",
    "ministack.services.lambda_svc._delete_function",
    "ministack.services.lambda_svc._functions",
)

Record = dict[str, Any]
Config = dict[str, Any]
EVENTS = ("viewer-request", "origin-request", "origin-response", "viewer-response")
# Event's side -> memory in MB, timeout in s, package in bytes [V: CloudFront quotas, Lambda@Edge].
_LIMITS = {"viewer": (128, 5, 1024 * 1024), "origin": (10240, 30, 50 * 1024 * 1024)}


def check_associations(behavior: Config) -> None:
    """CreateDistribution, UpdateDistribution: the functions of one cache behaviour."""
    at_edge = behavior.get("LambdaFunctionAssociations") or []
    events = [item.get("EventType") for item in at_edge]
    for item in at_edge:
        _event(item, events)
        _version(item)
    _not_beside_cloudfront_functions(events, behavior.get("FunctionAssociations") or [])


def _event(association: Config, events: list[Any]) -> None:
    """One function per event; the body is there for requests only [V: LambdaFunctionAssociation]."""
    kind = association.get("EventType")
    if kind not in EVENTS:
        _refuse(f"The EventType parameter is not valid: {kind}")
    if events.count(kind) > 1:
        _refuse(f"A cache behavior can have only one Lambda function associated with each event type: {kind}")
    if str(association.get("IncludeBody", "false")).lower() == "true" and not str(kind).endswith("-request"):
        _refuse(f"IncludeBody is only allowed for viewer-request and origin-request events, not for {kind}")


def _not_beside_cloudfront_functions(events: list[Any], others: list[Config]) -> None:
    """CloudFront Functions and Lambda@Edge do not meet in viewer events (aws-facts §6.3) [V: edge function restrictions]."""
    if others and any(str(kind).startswith("viewer-") for kind in events):
        raise Refused(
            "InvalidFunctionAssociation",
            "A viewer event cannot have Lambda@Edge functions while the cache behavior has CloudFront Functions.",
        )


def _version(association: Config) -> None:
    """A numbered version in us-east-1, Active, without anything that the edge has not (aws-facts §6.2)."""
    arn = association.get("LambdaFunctionARN") or ""
    parts = arn.split(":")
    if len(parts) != 8 or not parts[7].isdigit():
        _refuse(
            f"The function ARN must reference a specific function version. (The ARN must end with the version): {arn}"
        )
    if parts[3] != "us-east-1":
        _refuse(f"The function must be in region 'us-east-1'. ARN: {arn}")
    function = lambda_svc._functions.get_scoped(parts[4], "us-east-1", parts[6])
    version = (function or {}).get("versions", {}).get(parts[7])
    if function is None or version is None:
        _refuse(f"The function {arn} does not exist")
    config = version.get("config", version)
    if config.get("State") == "Pending":
        _refuse(f"The function must be in an Active state. The current state for function {arn} is Pending")
    _features(arn, config, function)
    _size(arn, config, _LIMITS[str(association.get("EventType")).partition("-")[0]])
    _role(config.get("Role", ""))


def _features(arn: str, config: Config, function: Record) -> None:
    """Restrictions on Lambda@Edge: features that replicas have not [V: Lambda@Edge restrictions]."""
    unsupported = {
        "cannot have environment variables": (config.get("Environment") or {}).get("Variables"),
        "cannot be in a VPC": (config.get("VpcConfig") or {}).get("SubnetIds"),
        "cannot have layers": config.get("Layers"),
        "must use the x86_64 architecture": (config.get("Architectures") or ["x86_64"]) != ["x86_64"],
        "cannot have a dead letter queue": (config.get("DeadLetterConfig") or {}).get("TargetArn"),
        "cannot be a container image": config.get("PackageType") == "Image",
        "cannot use X-Ray": (config.get("TracingConfig") or {}).get("Mode") == "Active",
        "cannot have more than 512 MB of ephemeral storage": (config.get("EphemeralStorage") or {}).get("Size", 512)
        > 512,
        "cannot have a customer managed key": config.get("KMSKeyArn"),
        "cannot have reserved concurrency": function.get("concurrency") is not None,
        "cannot have provisioned concurrency": function.get("provisioned_concurrency"),
    }
    for told, there in unsupported.items():
        if there:
            _refuse(f"The function {told}. Function: {arn}")
    runtime = config.get("Runtime") or ""
    if not runtime.startswith(("python3.", "nodejs")):
        _refuse(f"The runtime of the function is not supported: {runtime}. Function: {arn}")


def _size(arn: str, config: Config, limits: tuple[int, int, int]) -> None:
    """The message of the timeout is AWS's own (aws-cloudfront-extensions#112 [S])."""
    values = {
        "memory size": config.get("MemorySize", 128),
        "timeout": config.get("Timeout", 3),
        "code size": config.get("CodeSize", 0),
    }
    for (name, value), most in zip(values.items(), limits, strict=True):
        if int(value) > most:
            _refuse(
                f"The function {name} is larger than the maximum allowed for functions that are triggered by a CloudFront "
                f"event: {value} Max allowed: {most} Function: {arn}"
            )


def _role(arn: str) -> None:
    """The execution role must be assumable by edgelambda.amazonaws.com [V: Lambda@Edge permissions]."""
    if not trust.assumable(arn, "edgelambda.amazonaws.com"):
        _refuse(f"The function execution role must be assumable with edgelambda.amazonaws.com: {arn}")


def _refuse(message: str) -> NoReturn:
    """InvalidLambdaFunctionAssociation [V botocore]."""
    raise Refused("InvalidLambdaFunctionAssociation", message)


# ---- replicas ----------------------------------------------------------------------------------------------------------------

replicas: Seen = {}  # the ARN of a version -> when its last replica is gone


def replicated() -> set[str]:
    """The versions that CloudFront has copies of: those in a distribution, and those that were until a few hours ago."""
    associated = {
        arn.partition("<")[0]
        for record in list(cloudfront._distributions._data.values())
        for arn in record["config_xml"].split("LambdaFunctionARN>")[1::2]
    }
    return counting(replicas, associated, durations.REPLICAS)


def check_not_replicated(name: str, version: str | None) -> None:
    """DeleteFunction: a version with replicas, and the function of one (aws-facts §6.2, I12) [V: deleting replicas]."""
    tail = f":function:{name}:{version}" if version else f":function:{name}:"
    if any(arn.endswith(tail) if version else tail in arn for arn in replicated()):
        raise Refused(
            "InvalidParameterValueException",
            f"Lambda was unable to delete {name}:{version or '$LATEST'} because it is a replicated function. Please see "
            "our documentation for Deleting Lambda@Edge Functions and Replicas.",
        )


def _check_delete(name: str, *rest: Any, **_: Any) -> None:
    query = next((item for item in rest if isinstance(item, dict)), {})
    asked = query.get("Qualifier") or next((item for item in rest if isinstance(item, str)), None)
    qualifier = asked[0] if isinstance(asked, list) else asked
    check_not_replicated(name.rsplit(":", 1)[-1], None if qualifier == "$LATEST" else qualifier)


def _check_stack_version(physical_id: str, _properties: Properties) -> None:
    name, _, version = physical_id.rpartition(":")
    check_not_replicated(name.rsplit(":", 1)[-1], version)


def install() -> None:
    states.on_change(lambda: replicated() and None)
    on_call(lambda_svc, "_delete_function", _check_delete, error_response_json)
    on_stack("AWS::Lambda::Function", delete=lambda name, _: check_not_replicated(name, None))
    on_stack("AWS::Lambda::Version", delete=_check_stack_version)
