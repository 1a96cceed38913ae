"""A function's process sees its own package, variables and session, and nothing of this server.

ministack starts functions with the server's Python, its packages and its environment: a dependency that is missing in the package
would be found here and not on AWS. Here a process has the standard library of this machine's Python (so boto3 is there only if it
is in the package; AWS's runtimes bring one of some version), a `TMPDIR` of its own, and credentials of its own: a session of the
execution role, named after the function, per execution environment [V: Lambda Developer Guide, "Working with Lambda execution
environment credentials"]. So it can be told which environment made a call, with IAM enforcement and without.

`/tmp` is the machine's, as there is no container: a variable whose value is a path below /tmp leads to the function's own folder.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

from local_aws.arns import account_of
from local_aws.clock import wall_time
from local_aws.functions import images
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.services.sts._sessions",)

Record = dict[str, Any]
LIFETIME = (
    3650 * 86400.0
)  # of credentials: AWS renews them. Long, because ministack forgets sessions by the virtual clock
_BARE = ("-S", "-s", "-P")  # no site-packages, no user's packages, not the folder of the script
# By access key: the environment whose process has it.
ENVIRONMENTS: "WeakValueDictionary[str, Any]" = WeakValueDictionary()
# A variable of our control plane's functions: they ask this server's clock and how fast it is, and measure by the wall between.
_ASKS_THE_CLOCK = "MERIDIAN_HOME_REGION"
_starting = threading.local()  # the environment that this thread starts


def of_caller(access_key: str) -> Any | None:
    """The execution environment that made a call with this key."""
    return ENVIRONMENTS.get(access_key)


def function_of(access_key: str) -> str:
    """The name of the function that made a call with this key; empty for other callers."""
    environment = of_caller(access_key)
    return str(environment.func_name) if environment else ""


def end(environment: Any) -> None:
    """SIGKILL: nothing in the process runs any more, not even what it would do at its end."""
    process = environment._proc
    if process:
        process.kill()


# ---- one environment's credentials --------------------------------------------------------------------------------------


def _credentials(config: Record) -> dict[str, str]:
    """Stands in for ministack's, whose sessions belong to a function, not to an environment, and exist with IAM only."""
    arn, account = str(config.get("FunctionArn", "")), account_of(str(config.get("FunctionArn", "")))
    role, name = str(config.get("Role", "")).rsplit("/", 1)[-1], str(config.get("FunctionName", ""))[:64]
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "UserId": f"AROA{role.upper()[:16]}:{name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "SourceFunctionArn": ":".join(arn.split(":")[:7]),
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "Expiration": wall_time() + LIFETIME,  # a database takes no token of a session without one
    }
    sts.register_session(key, session)
    sts._sessions[key] |= session
    if environment := getattr(_starting, "environment", None):
        ENVIRONMENTS[key] = environment
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


# ---- one environment's process ------------------------------------------------------------------------------------------


def _spawn(stock: Callable[..., Any], environment: Any, *arguments: Any, **options: Any) -> Any:
    """Start the process with a folder of its own; `_popen` is called within."""
    _forget(environment)
    environment.own = tempfile.mkdtemp(prefix="tmp-")
    config, variables = environment.config, variables_of(environment.config)
    own = {name: _moved(value, environment.own) for name, value in variables.items()}
    environment.config = {**config, "Environment": {"Variables": own}}
    _starting.environment = environment
    try:
        return stock(environment, *arguments, **options)
    finally:
        _starting.environment = None
        environment.config = config


def variables_of(config: Record) -> dict[str, str]:
    return dict((config.get("Environment") or {}).get("Variables") or {})


def _moved(value: str, own: str) -> str:
    path = Path(value)
    return str(Path(own) / path.relative_to("/tmp")) if path.is_relative_to("/tmp") else value


def _forget(environment: Any) -> None:
    if own := getattr(environment, "own", None):
        shutil.rmtree(own, ignore_errors=True)


def _discard(stock: Callable[..., Any], environment: Any) -> None:
    _forget(environment)
    stock(environment)


def _popen(command: list[str], *, env: dict[str, str], **more: Any) -> Any:
    """What lambda_runtime starts: the same without what is the server's."""
    environment = _starting.environment
    image = images.of(environment.config)
    if command[0] == sys.executable:
        command = [image.python, "-P", *command[1:]] if image else [sys._base_executable, *_BARE, *command[1:]]
    return subprocess.Popen(command, env=clean(env, environment, image.variables if image else {}), **more)


def clean(env: dict[str, str], environment: Any, imaged: dict[str, str]) -> dict[str, str]:
    """Without the server's environment, but for what the prelude of each process reads; with what its image has."""
    kept = variables_of(environment.config).keys()
    mine = {name: value for name, value in env.items() if name in kept or os.environ.get(name) != value}
    preludes = {name: value for name, value in os.environ.items() if name.startswith("MERIDIAN_")}
    if _ASKS_THE_CLOCK in kept:
        preludes.pop("MERIDIAN_VIRTUAL_CLOCK")
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}  # not the developer's
    usual = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC"}
    usual["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    return {**preludes, **nothing, **usual, **imaged, **mine, "TMPDIR": environment.own}


def install() -> None:
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = _credentials
    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": _popen})
    around(lambda_runtime.Worker, "_spawn", _spawn)
    around(lambda_runtime.ProvidedWorker, "_spawn", _spawn)
    around(lambda_runtime.Worker, "_discard_tmpdir", _discard)
