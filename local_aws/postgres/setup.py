"""Puts the databases into the extension, and what functions need of them into each function's process."""

import inspect
import os
from pathlib import Path

from ministack.core import lambda_runtime

from local_aws import states
from local_aws.gateway import control
from local_aws.postgres import dialling, records, tokens
from local_aws.postgres.service import SERVICE

PATCHED: tuple[str, ...] = tuple(name for module in (records, tokens) for name in module.PATCHED)
_FILE = "MERIDIAN_DATABASES"
PRELUDE = f"""{inspect.getsource(dialling)}
if "{_FILE}" in os.environ:
    dial(os.environ.pop("{_FILE}"))
"""


def install() -> None:
    file = Path(os.environ["TMPDIR"]) / "databases"

    async def start() -> None:
        await SERVICE.start(file)

    tokens.install()
    os.environ[_FILE] = str(file)
    lambda_runtime._PYTHON_WORKER_SCRIPT = PRELUDE + lambda_runtime._PYTHON_WORKER_SCRIPT
    control.STARTED.append(start)
    control.GOT["database"] = lambda _: SERVICE.told
    states.on_change(SERVICE.look)
