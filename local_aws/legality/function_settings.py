"""Lambda: memory, timeout, variables, runtime and layers that a function can have."""

import json
import re
from typing import Any

from local_aws import models
from local_aws.refused import Refused

Record = dict[str, Any]
INVALID = "InvalidParameterValueException"
LARGEST_ENVIRONMENT = 4096
_RANGES = {"MemorySize": (128, 10240), "Timeout": (1, 900)}
# No longer accepted for new functions [V: Lambda runtimes, deprecation table].
_RETIRED = re.compile(
    r"nodejs(|4\.3|4\.3-edge|6\.10|8\.10|10\.x|12\.x|14\.x|16\.x)|python(2\.7|3\.6|3\.7)|ruby2\.[57]|java8"
    r"|dotnetcore\d\.\d|dotnet[57]|go1\.x|provided"
)
_RESERVED = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
             "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
             "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT",
             "LAMBDA_RUNTIME_DIR", "AWS_EXECUTION_ENV", "_HANDLER", "_X_AMZN_TRACE_ID"}  # fmt: skip


def check(config: Record) -> None:
    """CreateFunction, UpdateFunctionConfiguration: at most five layers [V: Lambda quotas], and what follows."""
    _numbers(config)
    _environment((config.get("Environment") or {}).get("Variables") or {})
    _runtime(config.get("Runtime"))
    if len(config.get("Layers") or []) > 5:
        raise Refused(INVALID, "You cannot reference more than 5 layers.")


def _numbers(config: Record) -> None:
    """Memory of 128 to 10,240 MB, a timeout of 1 to 900 s [V: botocore]."""
    for name, (least, most) in _RANGES.items():
        value = config.get(name)
        if value is not None and not least <= int(value) <= most:
            bound = f"less than or equal to {most}" if int(value) > most else f"greater than or equal to {least}"
            field = name[0].lower() + name[1:]
            raise Refused(
                "ValidationException",
                f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must have "
                f"value {bound}",
            )


def _environment(variables: Record) -> None:
    """At most 4 KB in all, none of Lambda's own names [V: Lambda quotas; environment variables]."""
    refusal = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided"
    )
    reserved = sorted(_RESERVED & set(variables))
    if reserved:
        raise Refused(
            INVALID,
            f"{refusal} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}",
        )
    text = json.dumps(variables, separators=(",", ":"))
    if len(text.encode()) > LARGEST_ENVIRONMENT:
        raise Refused(INVALID, f"{refusal} exceeded the 4KB limit. String measured: {text}")


def _runtime(runtime: str | None) -> None:
    """One that Lambda knows and has not retired [V: botocore; Lambda runtimes]."""
    if runtime is None or not runtime:
        return
    if _RETIRED.fullmatch(runtime):
        raise Refused(
            INVALID,
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions.",
        )
    known = models.enum("Runtime", "lambda")
    if runtime not in known:
        raise Refused(
            INVALID,
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: {list(known)} "
            "or be a valid ARN",
        )
