"""The CDK app. `build` synthesises template variants for the reconciler: one per kind of stack, not one per Region.

Also an app for the CDK command line, for people who want to look: `cdk -a "python -m cdk_app.app desired_state/"`
gives one stack per Region, from the same templates. What the reconciler decides (gates, zones, who deploys when) is
not in them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdk_app.code import stage
from cdk_app.projection import KEYS, RUNNER, RUNNER_BESIDE, code_folder, platform
from reconciler.model.stacks import REGIONAL, stack_refs, template_key
from reconciler.model.topology import Topology

if TYPE_CHECKING:
    import aws_cdk as cdk

_VARIANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "foundation-home": ("foundation", "Foundation", {"home": True}),
    "foundation": ("foundation", "Foundation", {"home": False}),
    "global": ("global_", "Global", {}),
    "data-founder": ("data", "Data", {"founder": True}),
    "data-heir": ("data", "Data", {"heir": True}),
    "data": ("data", "Data", {}),
    "api": ("api", "Api", {}),
    "routing": ("routing", "Routing", {}),
    "edge": ("edge", "Edge", {}),
    "control": ("control", "Control", {}),
    "control-remote": ("control", "ControlRemote", {}),
}
"""Module, class and arguments by template key. Modules are loaded when asked for: each pulls in a part of aws_cdk."""


def build(topology: Topology, out: Path, keys: Sequence[str] | None = None, *, strict: bool = False) -> None:
    """Writes `<key>.template.json`, `<key>.assets.json` and the asset folders into `out`, replacing what is there.

    `strict` adds what tests want and a pass does not wait for: CDK's own validation and the security rules.
    """
    chosen = KEYS if keys is None else tuple(keys)
    if unknown := sorted(set(chosen) - set(KEYS)):
        raise ValueError(f"no template is called {', '.join(unknown)}; there are {', '.join(KEYS)}")
    shutil.rmtree(out, ignore_errors=True)
    app = _app(out, validated=strict)
    with tempfile.TemporaryDirectory() as scratch:
        for key in chosen:
            _add(app, topology, key, artifact=key, code=_staged(topology, key, Path(scratch) / key))
        if strict:
            import_module("cdk_app.strict").check(app, topology)
        app.synth()
    _refuse_lookups(out)


def build_for_cli(topology: Topology, out: Path) -> None:
    """One stack for each stack that the topology asks for, each in its Region; the writer is taken to be the founder."""
    app = _app(out, validated=False)
    with tempfile.TemporaryDirectory() as scratch:
        for ref in stack_refs(topology):
            key = template_key(ref, home_region=topology.home_region, founder=topology.database.writer)
            artifact = f"{ref.kind}-{ref.region}" if ref.kind in REGIONAL else str(ref.kind)
            code = _staged(topology, key, Path(scratch) / artifact)
            _add(app, topology, key, artifact=artifact, code=code, region=ref.region)
        app.synth()
    _refuse_lookups(out)


def _app(out: Path, *, validated: bool) -> cdk.App:
    lib = import_module("cdk_app.stacks.base").cdk  # chooses Node, then imports aws_cdk
    # Else a second synthesis in this process names assets that it never writes.
    lib.AssetStaging.clear_asset_hash_cache()
    app: cdk.App = lib.App(
        outdir=str(out),
        tree_metadata=False,
        stack_traces=False,
        analytics_reporting=False,
        performance_reporting=False,
        builtin_cloud_formation_validation=validated,
    )
    return app


def _add(
    app: cdk.App,
    topology: Topology,
    key: str,
    *,
    artifact: str,
    code: Mapping[str, Path],
    region: str | None = None,
) -> None:
    module, name, variant = _VARIANTS[key]
    stack = getattr(import_module(f"cdk_app.stacks.{module}"), name)
    stack(app, topology, artifact=artifact, region=region, **variant, **code)


def _staged(topology: Topology, key: str, into: Path) -> dict[str, Path]:
    """Copies of the folders that ship with the template, by the name that its stack has for them."""
    if key == "control":
        from cdk_app.packaging import stage as packaged  # noqa: PLC0415  # only here

        runtime, architecture = platform()
        return {"code": packaged(into / "code", runtime=runtime, architecture=architecture)}
    folder = code_folder(topology, key)
    if folder is None:
        return {}
    if key == "edge":  # the router has no environment: its names are written beside it
        names = {"route": topology.route_name, "origin": topology.origin_name}
        return {"code": stage(folder, into, generated={"config.json": json.dumps(names) + "\n"})}
    return {"code": stage(folder, into / "code"), "runner": stage(RUNNER, into / "runner", beside=RUNNER_BESIDE)}


def _refuse_lookups(out: Path) -> None:
    """A context lookup would be a call to AWS in the middle of synthesis, or a made-up value in its place."""
    missing = json.loads((out / "manifest.json").read_text()).get("missing")
    if missing:
        raise RuntimeError(f"bug: a template asks for a context lookup: {missing}")


def main(arguments: Sequence[str]) -> None:
    from reconciler.load import load  # noqa: PLC0415  # only here: the reconciler hands over topologies, not files

    path = Path(arguments[0] if arguments else "desired_state")
    topologies = load(path)
    if len(topologies) != 1:
        sys.exit(f"{path} holds {len(topologies)} documents: name the file of one")
    build_for_cli(topologies[0], Path(os.environ.get("CDK_OUTDIR", "cdk.out")))


if __name__ == "__main__":
    main(sys.argv[1:])
