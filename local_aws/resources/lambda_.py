"""Lambda: functions in a network, code that must exist, and the time until a function is ready."""

from typing import Any

from ministack.services import ec2, lambda_svc

from local_aws import durations, states
from local_aws.resources.wrap import Properties, after, around

NO_SUCH_KEY = (
    "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
)


def _function(name: str, now: Properties, before: Properties | None) -> None:
    function, network = lambda_svc._functions[name], now.get("VpcConfig") or {}
    code = now.get("Code") or {}
    if code.get("S3Key") and function.get("code_zip") is None:
        lambda_svc._functions.pop(name)
        raise ValueError(NO_SUCH_KEY)
    config = function["config"]
    joined = _vpc_config(network)
    moved = (config.get("VpcConfig") or {}).get("SubnetIds") != joined.get("SubnetIds")
    config["VpcConfig"] = joined
    if before is None or moved:
        _begin(function, created=before is None, seconds=durations.function(config))


def _vpc_config(network: Properties) -> dict[str, Any]:
    subnets = list(network.get("SubnetIds") or [])
    subnet = ec2._subnets.get(subnets[0]) if subnets else None
    return {
        "SubnetIds": subnets,
        "SecurityGroupIds": list(network.get("SecurityGroupIds") or []),
        "VpcId": (subnet or {}).get("VpcId", ""),
    }


def _begin(function: dict[str, Any], *, created: bool, seconds: float) -> None:
    config = function["config"]
    if created:
        config.update(StateReason="The function is being created.", StateReasonCode="Creating")
        states.hold(config, "State", "Pending", "Active", seconds)
    states.hold(config, "LastUpdateStatus", "InProgress", "Successful", seconds, lambda: _done(function))


def _done(function: dict[str, Any]) -> None:
    """The function, and the versions that were published while it was not ready."""
    silent = dict.fromkeys(
        ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"), ""
    )
    for config in (function["config"], *(version["config"] for version in function["versions"].values())):
        config.update(silent, State="Active", LastUpdateStatus="Successful")


def _transition(name: str, delay: float) -> None:
    """Stands in for ministack's: an update leaves the function active, and the time is AWS's, not a fixed half second."""
    function = lambda_svc._functions[name]
    config = function["config"]
    created = config.get("StateReasonCode") != "Updating"
    if not created:
        config.update(State="Active", StateReason="", StateReasonCode="")
    _begin(function, created=created, seconds=durations.function(config) if created else durations.FUNCTION)


def _create(stock, data: dict) -> tuple:
    code = data.get("Code") or {}
    if (
        code.get("S3Key")
        and lambda_svc._fetch_code_from_s3(code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion")) is None
    ):
        return lambda_svc.error_response_json("InvalidParameterValueException", NO_SUCH_KEY, 400)
    return stock(data)


def _ready(function: dict[str, Any]) -> bool:
    config = function["config"]
    return config["State"] == "Active" and config["LastUpdateStatus"] == "Successful"


def install() -> None:
    lambda_svc._schedule_state_transition = _transition
    around(lambda_svc, "_create_function", _create)
    after("AWS::Lambda::Function", _function)
    states.settles("AWS::Lambda::Function", lambda_svc._functions.get, _ready)
