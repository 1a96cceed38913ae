"""A real PostgreSQL behind each Aurora cluster: functions that dial an endpoint of their own Region reach one.

`records` reads what ministack keeps, `estate` is that as values, `moves` decides what has to run, `fleet` and `server` run it.
`listener` takes connections: `admission`, `authentication`, `tokens`, then a session (`sessions`), at a secondary with write
forwarding (`forwarding`, `extended`, `statements`). `dialling` is what functions have of it; `service` puts it all together.
"""

import inspect
import os
from pathlib import Path

from ministack.core import lambda_runtime

from local_aws import states
from local_aws.gateway import control
from local_aws.postgres import dialling, records, tokens
from local_aws.postgres.service import SERVICE

PATCHED: tuple[str, ...] = ("ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT", *records.PATCHED, *tokens.PATCHED)
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
