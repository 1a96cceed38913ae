"""Functions from images, without containers: what an image would run is told beforehand, and runs as a process.

`POST /_meridian/images` stands in for a push to ECR. An image is either a Python with a handler and the folders it finds modules
in, or a command that speaks Lambda's runtime API, as an entry point with `awslambdaric` does. Either runs with the function's
variables, a session of its role and nothing of this server's environment (`sandbox`); with the files of this machine, though. See
`image_functions` for how it is run.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A Python and its handler, or a command."""

    python: str = ""
    handler: str = ""
    path: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)  # as ENV of a Dockerfile

    @property
    def variables(self) -> dict[str, str]:
        """What the process finds beside the function's own."""
        binary = str(Path(self.python or self.command[0]).parent)
        modules = {"PYTHONPATH": ":".join(self.path)} if self.path else {}
        return {"PATH": f"{binary}:/usr/local/bin:/usr/bin:/bin", **modules, **self.environment}


IMAGES: dict[str, Image] = {}  # by URI; no part of the world, as a registry is none


def of(config: Record) -> Image | None:
    return IMAGES.get(str(config.get("ImageUri", ""))) if config.get("PackageType") == "Image" else None


# ---- what is told -------------------------------------------------------------------------------------------------------


def register(body: Record) -> Record:
    uri, known = body.get("uri"), {"uri", "command", "python", "handler", "path", "environment"}
    if unknown := sorted(set(body) - known):
        raise ValueError(f"{unknown[0]!r} is not allowed here: allowed are {', '.join(sorted(known))}")
    if not isinstance(uri, str) or not uri:
        raise ValueError(f"uri {uri!r} must be the image's URI, as CreateFunction will name it")
    command, path, environment = body.get("command") or [], body.get("path") or [], body.get("environment") or {}
    for name, value in (("command", command), ("path", path)):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name} {value!r} must be a list of texts")
    if not isinstance(environment, dict) or not all(isinstance(value, str) for value in environment.values()):
        raise ValueError(f"environment {environment!r} must be an object of texts")
    python, handler = body.get("python") or "", body.get("handler") or ""
    if bool(command) == bool(python) or bool(python) != bool(handler):
        raise ValueError("an image has either a command, or python and handler")
    program = command[0] if command else python
    if not Path(program).is_absolute() or not Path(program).exists():
        raise ValueError(f"{program!r} must be the absolute path of a program that is there")
    IMAGES[uri] = Image(
        python=python, handler=handler, path=tuple(path), command=tuple(command), environment=dict(environment)
    )
    return {"uri": uri}
