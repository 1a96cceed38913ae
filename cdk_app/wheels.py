"""Other people's packages, as the functions need them: those of this machine where they fit, else downloaded for Lambda.

What is needed stands, locked with hashes, in `requirements/function.txt`. Nothing is taken from Lambda's own runtime: its botocore
is whatever AWS put there last.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from cdk_app.machine import MACHINES

LOCK = Path(__file__).parent.parent / "requirements" / "function.txt"
_TIMEOUT = 600
_GLIBC = {"python3.11": 26}
"""Minor version of Lambda's C library, Amazon Linux 2's; that of later runtimes, Amazon Linux 2023's, is 34 [Lambda runtimes]."""
_GLIBC_SINCE = 34
_IDLE = {"__pycache__", "tests", "test", "bin", "sboms"}
_KEPT_OF_METADATA = re.compile(r"METADATA$|licen[cs]e|notice|copying|authors", re.IGNORECASE)


class NotPackaged(Exception):
    """What ships cannot be gathered; the message says what is missing and the way out."""


def third_party(runtime: str, architecture: str, scratch: Path) -> Mapping[str, Path]:
    """Files by their path in the package. `scratch` is a new folder for what has to be downloaded."""
    wanted = locked()
    machine = MACHINES[architecture]
    source = _here(wanted) if _fits(runtime, machine, wanted) else _downloaded(runtime, machine, scratch)
    return {name: path for name, path in sorted(source) if _ships(PurePosixPath(name))}


def locked(lock: Path = LOCK) -> Mapping[str, str]:
    """Versions by name."""
    try:
        found = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    except OSError as error:
        raise NotPackaged(f"{lock} cannot be read: package from a checkout of meridian ({error.strerror})") from error
    if not found:
        raise NotPackaged(f"{lock} names no package")
    return found


def _fits(runtime: str, machine: str, wanted: Mapping[str, str]) -> bool:
    """Whether what is installed here is what is locked, and would run there."""
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if (sys.platform, platform.machine(), here) != ("linux", machine, runtime):
        return False
    glibc = _GLIBC.get(runtime, _GLIBC_SINCE)
    try:
        found = [(distribution(name), version) for name, version in wanted.items()]
    except PackageNotFoundError:
        return False
    return all(one.version == version and _runs(one, machine, glibc) for one, version in found)


def _runs(one: Distribution, machine: str, glibc: int) -> bool:
    """On any machine, or on Lambda's processor with a C library that is old enough."""
    tags = re.findall(r"^Tag: \S+-(\S+)$", one.read_text("WHEEL") or "", re.MULTILINE)
    needed = [
        re.fullmatch(rf"manylinux_2_(\d+)_{machine}", tag.replace("manylinux2014", "manylinux_2_17")) for tag in tags
    ]
    return "any" in tags or any(match is not None and int(match[1]) <= glibc for match in needed)


def _here(wanted: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    for name in wanted:
        for file in distribution(name).files or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and path.is_file():
                yield file.as_posix(), path


def _downloaded(runtime: str, machine: str, folder: Path) -> Iterator[tuple[str, Path]]:
    version = runtime.removeprefix("python")
    chosen = [
        "--only-binary=:all:",
        f"--platform=manylinux2014_{machine}",
        f"--python-version={version}",
        "--implementation=cp",
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
    ]
    command += ["--require-hashes", *chosen, f"--target={folder}", "-r", str(LOCK)]
    try:
        done = subprocess.run(  # noqa: S603  # fixed command, no shell
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotPackaged(f"pip did not finish: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise NotPackaged(
            f"the packages for {runtime} cannot be downloaded: {last}; or package with that Python, on Linux"
        )
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _ships(path: PurePosixPath) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return bool(_KEPT_OF_METADATA.search("/".join(path.parts[1:])))
    return (
        not _IDLE & set(path.parts[:-1])
        and path.suffix not in {".pyi", ".pyc", ".pyx", ".pxd"}
        and path.name != "py.typed"
    )
