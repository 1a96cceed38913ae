"""Execution environments of a function that changes: what runs there runs to its end, and nothing new begins.

ministack ends all of them at once; a client whose request was at work there would get a 502 that AWS does not give. [V: Lambda
Developer Guide, "Understanding the Lambda execution environment life cycle"]
"""

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = (
    "ministack.core.lambda_runtime._lock",
    "ministack.core.lambda_runtime._workers",
    "ministack.core.lambda_runtime.kill_workers",
    "ministack.services.lambda_svc.invalidate_worker",
)
LOOK_SECONDS = 0.02  # of wall time: invocations take that


def _invalidate(
    stock: Any, name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
) -> None:
    wanted = (account, region, name, qualifier)
    with lambda_runtime._lock:
        busy = []
        for key, pool in lambda_runtime._workers.items():
            if all(want in (None, part) for want, part in zip(wanted, key.split(":"), strict=False)):
                busy += [worker for worker in pool if worker.in_use]
                pool[:] = [worker for worker in pool if not worker.in_use]
    stock(name, qualifier=qualifier, account=account, region=region)
    if busy:
        threading.Thread(target=_end, args=(busy,), daemon=True).start()


def _end(busy: list[Any]) -> None:
    """Each one once its request is answered."""
    waiting = threading.Event()  # `time.sleep` is virtual here
    while busy:
        waiting.wait(LOOK_SECONDS)
        idle = [worker for worker in busy if not worker.in_use]
        lambda_runtime.kill_workers(idle)
        busy = [worker for worker in busy if worker.in_use]


def install() -> None:
    around(lambda_svc, "invalidate_worker", _invalidate)
