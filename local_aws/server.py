"""Starts the embedded AWS: one process, 127.0.0.1 only, no state on disk, nothing of the user's environment inside.

Importing this module is cheap; ministack is imported by `main`, after the environment and the clock are ready.
"""

import asyncio
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import warnings
from typing import NoReturn

HOST = "127.0.0.1"
ACCOUNT = "111111111111"
# What ministack reads at import. Everything else that could steer it, or a library, is taken away.
_SETTINGS = {
    "BIND_HOST": HOST,
    "MINISTACK_ACCOUNT_ID": ACCOUNT,
    "MINISTACK_REGION": "us-east-1",
    "SFTP_ENABLED": "0",
    "IOT_MTLS_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "PERSIST_STATE": "0",
    "S3_PERSIST": "0",
    "LOG_LEVEL": "ERROR",
    "AWS_CONFIG_FILE": os.devnull,  # botocore reads it when it looks for its models
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "DOCKER_HOST": "tcp://127.0.0.1:1",  # no containers: functions and databases are subprocesses
}
_KEPT = {"PATH", "HOME", "LANG", "LC_ALL"}
_STOPPING = (signal.SIGINT, signal.SIGTERM)


def main(port: int = 4566, speed: float = 1.0, *, iam: bool = False, verbose: bool = False) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code. With `iam`, signatures and policies are enforced."""
    try:
        listener = _listen(port)
    except OSError as error:
        where = f"{HOST}:{port}"
        return _refuse(f"cannot listen on {where}: {error.strerror}; choose another with --port (0: any free one)")
    scratch = tempfile.mkdtemp(prefix="local-aws-")  # unpacked Lambda code; gone with the process

    def leave(code: int) -> NoReturn:
        shutil.rmtree(scratch, ignore_errors=True)
        sys.stdout.flush()
        os._exit(code)  # ministack's polling threads must not delay the end

    for name in _STOPPING:
        signal.signal(name, lambda *_: leave(0))  # until the event loop takes them over
    try:
        leave(_run(listener, scratch, speed, iam=iam, verbose=verbose))
    except Exception:
        logging.getLogger("local_aws").exception("the embedded AWS failed")
        leave(1)


def _run(listener: socket.socket, scratch: str, speed: float, *, iam: bool, verbose: bool) -> int:
    _prepare_environment(listener.getsockname()[1], scratch, iam=iam, verbose=verbose)
    from local_aws import clock

    clock.install()
    clock.CLOCK.set_speed(speed)
    from local_aws import extension
    from local_aws.private import MissingPrivateNameError

    try:
        application = extension.load()
    except MissingPrivateNameError as error:
        return _refuse(str(error))
    # What is there by now stays: to look through it for garbage again and again is a part of what every request costs.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    asyncio.run(_serve(application, listener))
    return 0


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(512)
    return listener


def _endpoints(port: int) -> list[socket.socket]:
    """The edge's and the Regions' own addresses, on the same port; a machine that has no such loopback goes without."""
    from local_aws.dns import addresses

    found = []
    for address in addresses.served():
        endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            endpoint.bind((address, port))
            endpoint.listen(128)
        except OSError:
            endpoint.close()
        else:
            found.append(endpoint)
    return found


def _prepare_environment(port: int, scratch: str, *, iam: bool, verbose: bool) -> None:
    for name in set(os.environ) - _KEPT:
        del os.environ[name]
    os.environ.update(_SETTINGS, AUTH=str(iam).lower(), GATEWAY_PORT=str(port), TMPDIR=scratch)
    tempfile.tempdir = scratch
    if verbose:
        os.environ["LOG_LEVEL"] = "INFO"
    logging.basicConfig(stream=sys.stderr, level=os.environ["LOG_LEVEL"], format="%(levelname)s [%(name)s] %(message)s")
    warnings.simplefilter("ignore")


async def _serve(application, listener: socket.socket) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in _STOPPING:
        loop.add_signal_handler(name, stop.set)
    config = Config()
    others = _endpoints(listener.getsockname()[1])
    config.bind = [f"fd://{found.detach()}" for found in (listener, *others)]
    config.accesslog = None
    config.errorlog = "-" if os.environ["LOG_LEVEL"] == "INFO" else None
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    config.shutdown_timeout = 1.0
    server = asyncio.create_task(serve(application, config, shutdown_trigger=stop.wait))
    ready = asyncio.create_task(application.ready.wait())
    await asyncio.wait({server, ready}, return_when=asyncio.FIRST_COMPLETED)
    if application.ready.is_set():
        sys.stdout.write(f"AWS_ENDPOINT_URL=http://{HOST}:{os.environ['GATEWAY_PORT']}\n")
        sys.stdout.flush()
    await server
