"""What ships to Lambda as the code of wake and reconcile: ours, other people's, and what fingerprints are made of.

The functions compute the fingerprints of templates as this machine does, so everything that goes into one has to be there as it is
here: all of `cdk_app`, though nothing of aws_cdk, and the folders of handlers that templates ship. The same inputs give the same
bytes. `python -m cdk_app.packaging` writes the zip, and the folder from which the image of synth is built.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from cdk_app import service_models
from cdk_app.code import shipped
from cdk_app.machine import MACHINES
from cdk_app.wheels import LOCK, NotPackaged, third_party
from reconciler.model.archive import packed

ROOT = Path(__file__).parent.parent
_HANDLERS = ROOT / "handlers"
FUNCTIONS, IMAGE = ("wake", "reconcile"), ("synth",)
"""Handlers in the zip, and in the image."""
READ_ONLY = (
    _HANDLERS / "edge_router",
    _HANDLERS / "migrate",
    *(_HANDLERS / "api" / name for name in ("rds.py", "rds-global-bundle.pem", "vendor")),
)
"""Parts of fingerprints (see `projection`): they ship with templates, and are never run in the control plane."""
_NAMED = ("meridian", "aws-cdk-lib")
"""Distributions whose versions are asked for, and which are not there, or not as distributions."""
_TASK = "/var/task"
_TIMEOUT = 300


def stage(into: Path, *, runtime: str, architecture: str = "x86_64") -> Path:
    """Makes the folder whose zip is the code of wake and reconcile on `runtime` (`python3.13`). Raises `NotPackaged`."""
    if architecture not in MACHINES:
        raise NotPackaged(f"architecture {architecture!r} is none of Lambda's; there are {', '.join(MACHINES)}")
    if not re.fullmatch(r"python3\.\d+", runtime):
        raise NotPackaged(f"runtime {runtime!r} is none of Lambda's for Python; write it as python3.13")
    _stage_ours(into, FUNCTIONS)
    with tempfile.TemporaryDirectory() as scratch:
        found = third_party(runtime, architecture, Path(scratch) / "packages")
        data = {name: path for name, path in found.items() if name.startswith(service_models.DATA)}
        for name, path in found.items():
            if name not in data:
                _write(into / name, path.read_bytes())
        for name, content in service_models.pruned(data):
            _write(into / name, content)
    for name in _NAMED:
        name_distribution(into, name)
    _compile(into, runtime)
    return into


def sources() -> tuple[Path, ...]:
    """Files that the staged folder is made from, beside `cdk_app` itself: for whoever keeps what was made from them."""
    parts = (ROOT / "reconciler", *_handlers(FUNCTIONS), *READ_ONLY)
    return (*(path for part in parts for path in _files(part)), LOCK)


def _stage_ours(into: Path, functions: Sequence[str]) -> None:
    """What is ours, without the command line and what only it calls: the image of synth brings other packages."""
    into.mkdir(parents=True)
    for source in (ROOT / "reconciler", ROOT / "cdk_app", *_handlers(functions), *READ_ONLY):
        for path in _files(source):
            _write(into / path.relative_to(ROOT), path.read_bytes())
    _write(into / "LICENSE", (ROOT / "LICENSE").read_bytes())
    name_distribution(into, "meridian")


def _handlers(functions: Sequence[str]) -> Iterator[Path]:
    return (folder for name in functions if (folder := _HANDLERS / name).is_dir())


def _files(source: Path) -> Iterator[Path]:
    """Sorted. The reconciler's schema is a link to the public contract, out of its folder; of the rest, what fingerprints are
    made of."""
    if source.is_file():
        yield source
    elif source.name == "reconciler":
        found = (path for path in sorted(source.rglob("*")) if path.is_file() and path.resolve().is_relative_to(ROOT))
        apart = {source / "cli", source / "github"}
        yield from (path for path in found if path.suffix != ".pyc" and apart.isdisjoint(path.parents))
    else:
        yield from (source / path for path in shipped(source))


def package(folder: Path) -> bytes:
    """The zip of a staged folder."""
    return packed(
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def name_distribution(into: Path, name: str) -> None:
    """Lets `importlib.metadata.version` answer as it does here."""
    folder = into / f"{name.replace('-', '_')}-{version(name)}.dist-info"
    _write(folder / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version(name)}\n".encode())


def _compile(into: Path, runtime: str) -> None:
    """Bytecode beside the source: nobody can write it there, and each cold start would compile anew. It is not held against times,
    which no zip of ours has. Where that Python is not on this machine, the functions start without, three times as slowly."""
    python = _python(runtime)
    if python is None:
        return
    idle = "|".join(re.escape(str(source.relative_to(ROOT))) for source in READ_ONLY)
    command = [python, "-S", "-m", "compileall", "-q", "-s", str(into), "-p", _TASK, "-x", f"/({idle})(/|$)"]
    command += ["--invalidation-mode", "unchecked-hash", str(into)]
    done = subprocess.run(  # noqa: S603  # sets of constants are written in the order of their hashes
        command, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    if done.returncode:
        raise NotPackaged(f"{python} cannot compile what ships: {done.stdout.strip() or done.stderr.strip()}")


def _python(runtime: str) -> str | None:
    """An interpreter of that version on this machine, if there is one: a name alone may be a shim that leads to none."""
    candidates = filter(None, (sys.executable, shutil.which(runtime)))
    ask = "import sys; print('python%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        said = subprocess.run(  # noqa: S603  # fixed command, no shell
            [candidate, "-I", "-c", ask], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
        if said.stdout.strip() == runtime:
            return candidate
    return None


def image_context(into: Path) -> Path:
    """The folder from which the image of synth is built: the same files of ours as in the zip, so that fingerprints agree."""
    _stage_ours(into / "task", IMAGE)
    synth = ROOT / "handlers" / "synth"
    for source in (synth / "Dockerfile", synth / "jsii_readonly_cache.js", LOCK.with_name("synth.txt")):
        shutil.copyfile(source, into / source.name)
    return into


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m cdk_app.packaging", description="what ships to Lambda")
    parser.add_argument("--runtime", default="python3.13")
    parser.add_argument("--architecture", default="x86_64", choices=tuple(MACHINES))
    parser.add_argument("--out", type=Path, default=Path("build"))
    asked = parser.parse_args(arguments)
    target = asked.out / f"meridian-{asked.runtime}-{asked.architecture}.zip"
    try:
        with tempfile.TemporaryDirectory() as scratch:
            data = package(stage(Path(scratch) / "staged", runtime=asked.runtime, architecture=asked.architecture))
        shutil.rmtree(asked.out / "synth", ignore_errors=True)
        image_context(asked.out / "synth")
    except NotPackaged as error:
        print(f"not packaged: {error}", file=sys.stderr)  # noqa: T201
        return 1
    _write(target, data)
    print(f"{target}: {len(data) / 1e6:.1f} MB; {asked.out / 'synth'}: what the image of synth is built from")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
