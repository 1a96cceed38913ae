"""Functions from images: run by the executors of functions from packages, refused where AWS refuses them.

An image that was not told (`images`) is not there [V: InvalidParameterValueException; words S: public reports].
"""

import functools
import io
import shlex
import zipfile
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local_aws.functions import images
from local_aws.gateway import control
from local_aws.legality.guard import on_call, on_stack
from local_aws.refused import Refused
from local_aws.resources.wrap import Properties, around

PATCHED: tuple[str, ...] = (
    "ministack.services.lambda_svc._create_function",
    "ministack.services.lambda_svc._execute_function_docker",
    "ministack.services.lambda_svc._execute_function_provided_warm",
    "ministack.services.lambda_svc._execute_function_warm",
    "ministack.services.lambda_svc._update_code",
)

Record = dict[str, Any]
INVALID = "InvalidParameterValueException"


def _execute(stock: Callable[..., Any], function: Record, event: Any, request_id: str) -> Any:
    """In place of a container: by the executors of functions from packages."""
    config = function["config"]
    image = images.of(config)
    if image is None:
        return stock(function, event, request_id)
    override = ((config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}).get("Command") or []
    if image.command:
        runs = {**config, "Runtime": "provided.al2023"}
        code = _entry((*image.command, *override))
        return lambda_svc._execute_function_provided_warm(
            {**function, "config": runs, "code_zip": code}, event, request_id
        )
    runs = {**config, "Runtime": "python3", "Handler": (*override, image.handler)[0]}
    return lambda_svc._execute_function_warm({**function, "config": runs, "code_zip": _entry(())}, event, request_id)


@functools.cache
def _entry(command: tuple[str, ...]) -> bytes:
    """A package with nothing but an executable that becomes the command."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        packed.writestr(entry, f"#!/bin/sh\nexec {shlex.join(command)}\n")
    return file.getvalue()


# ---- what is refused ----------------------------------------------------------------------------------------------------


def check(wanted: Record) -> None:
    """CreateFunction, UpdateFunctionCode and their resource in a stack."""
    code = wanted.get("Code") or wanted
    uri = code.get("ImageUri")
    if wanted.get("PackageType") == "Image" and not uri:
        raise Refused(INVALID, "Please provide ImageUri when the intended function PackageType is Image.")
    if not uri:
        return
    if any(wanted.get(name) for name in ("Handler", "Runtime", "Layers")):
        raise Refused(
            INVALID,
            "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.",
        )
    if uri not in images.IMAGES:
        raise Refused(INVALID, f"Source image {uri} does not exist. Provide a valid source image.")


def _check_stack(now: Properties, _before: Properties | None) -> None:
    check(now)


def install() -> None:
    control.POSTED["images"] = images.register
    around(lambda_svc, "_execute_function_docker", _execute)
    on_call(lambda_svc, "_create_function", check, error_response_json)
    on_call(lambda_svc, "_update_code", lambda _, wanted: check(wanted), error_response_json)
    on_stack("AWS::Lambda::Function", put=_check_stack)
