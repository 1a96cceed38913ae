"""`meridian synth`: the CDK cloud assembly of each topology, one stack for each that would be deployed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import click

from reconciler.cli import exits, inputs, output
from reconciler.cli.settings import Settings
from reconciler.model.topology import Topology

_PROGRAM = """\
import pickle, sys
from cdk_app.app import build_for_cli
build_for_cli(*pickle.load(sys.stdin.buffer))
"""  # in a process of its own: aws_cdk takes 300 MB and seconds to load


def synth(settings: Settings, path: Path, out: Path) -> int:  # noqa: ARG001
    topologies = inputs.topologies(path)
    for topology in topologies:
        _refuse_other_folder(out / topology.name)
    for topology in topologies:
        folder = out / topology.name
        _write(topology, folder)
        output.show(f"{topology.name}: {folder}, {len(list(folder.glob('*.template.json')))} templates")
    return exits.DONE


def _refuse_other_folder(folder: Path) -> None:
    """CDK replaces what is in its output folder; only a folder that it wrote, or an empty one, is given to it."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.json").exists():
        raise click.BadParameter(f"{folder} holds something else; name an empty or new folder", param_hint="--out")


def _write(topology: Topology, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    request = pickle.dumps((topology, folder.resolve()))
    done = subprocess.run([sys.executable, "-c", _PROGRAM], input=request, stderr=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise exits.NotDone(
            f"synthesis of {topology.name} failed: {told[-1] if told else 'no reason given'}", code="SynthesisFailed"
        )
