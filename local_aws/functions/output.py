"""What an invocation wrote is in its log, all of it and at once.

ministack waits some milliseconds for lines, by a clock that is virtual here: on a fast one lines are lost, or come with the next
invocation, and with them the metrics that they embed. Here the process says on the same pipe that it is done.
"""

import queue
import time
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT",
    "ministack.services.cloudwatch_logs._log_groups",
    "ministack.services.lambda_svc._emit_lambda_logs",
)

DONE = "\x00invocation done"
LIMIT = 1.0  # wall seconds
SILENT = 0.05  # of a process that has ended, or is not ours to tell
_END = "        _real_stdout.flush()\n\nrun()"


def _drain(_stock: Callable[..., Any], environment: Any) -> str:
    tells = str(environment.config.get("Runtime", "")).startswith("python") and environment._proc is not None
    deadline = time.monotonic() + (LIMIT if tells else SILENT)
    lines: list[str] = []
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = environment._stderr_queue.get(timeout=left)
        except queue.Empty:
            break
        if line == DONE:
            break
        lines.append(line)
    return "\n".join(lines).removesuffix("\n")


def _keep(stock: Callable[..., Any], function: dict[str, Any], *rest: Any, **options: Any) -> Any:
    """A group that a function is told to write to is made by whoever tells it [V: LoggingConfig]: a late line makes none anew.
    Lambda itself makes the one that goes by the function's name."""
    config = function.get("config", function)
    told = (config.get("LoggingConfig") or {}).get("LogGroup")
    its_own = f"/aws/lambda/{config.get('FunctionName')}"
    if told and told != its_own and told not in cloudwatch_logs._log_groups:
        return None
    return stock(function, *rest, **options)


def install() -> None:
    around(lambda_svc, "_emit_lambda_logs", _keep)
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert script.count(_END) == 1, "the script of ministack's Python processes is another one"
    told = f"        sys.stderr.write({chr(10) + DONE + chr(10)!r})\n        sys.stderr.flush()\n"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_END, told + _END)
    around(lambda_runtime.Worker, "_drain_stderr_bounded", _drain)
