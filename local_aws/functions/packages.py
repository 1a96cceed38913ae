"""A function's package is unpacked once, whatever environments run it, and environments are kept as long as on AWS: by wall time.

Lambda mounts a package read-only, and keeps an environment for minutes after its last invocation [S: public measurements].
ministack unpacks it for each environment, and ends one after five minutes of the virtual clock, which may be half a second: every
invocation would be a cold start, and a package of a thousand files would be written and deleted all the time.
"""

import hashlib
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.clock import CLOCK
from local_aws.resources.wrap import around

PATCHED: tuple[str, ...] = ("ministack.core.lambda_runtime.reap_idle_workers",)
IDLE_SECONDS = 60.0  # of wall time
_FOLDER = "code"
_unpacking = threading.Lock()
UNPACKED: dict[str, Path] = {}  # by content, in the server's own temporary folder; no part of the world


class Package(zipfile.ZipFile):
    """Stands in for `ZipFile` where ministack unpacks a function."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        target = Path(path)
        if target.name != _FOLDER or not self.filename:
            super().extractall(path, members, pwd)
            return
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        with _unpacking:
            if digest not in UNPACKED:
                folder = Path(tempfile.mkdtemp(prefix="package-"))
                super().extractall(folder)
                UNPACKED[digest] = folder
        target.rmdir()
        target.symlink_to(UNPACKED[digest], target_is_directory=True)


def _reap(stock: Callable[..., int], ttl: float | None = None) -> int:
    return stock(IDLE_SECONDS * CLOCK.speed if ttl is None else ttl)


def install() -> None:
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": Package})
    around(lambda_runtime, "reap_idle_workers", _reap)
    lambda_svc.reap_idle_workers = lambda_runtime.reap_idle_workers
