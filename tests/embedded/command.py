"""The `meridian` command as a process of its own, in a folder that holds the worked example."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from jsonschema import Draft202012Validator

from reconciler.aws.synthesis import default_cache
from tests.embedded.conftest import ROOT

SCHEMAS = ROOT / "reconciler" / "report" / "schemas"


@dataclass(frozen=True)
class Meridian:
    folder: Path
    environment: dict[str, str]

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler.cli.main", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, **environment):
        """Exit code, stdout, stderr."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=150)
        return process.returncode, out, err

    def json(self, *arguments, **environment):
        """Exit code and the documents on stdout, each held to the schema of its kind."""
        code, out, err = self.run(*arguments, "--format", "json", **environment)
        assert out, err
        texts = out.splitlines() if arguments[0] == "converge" else [out]
        documents = [json.loads(text) for text in texts]
        for document in documents:
            schema = json.loads((SCHEMAS / f"{document['kind']}.json").read_text())
            Draft202012Validator(schema).validate(document)
        return code, documents


def prepared(folder: Path, url: str) -> Meridian:
    """Templates come from the cache that everybody shares: it goes by content, and making them is another suite's proof."""
    shutil.copytree(ROOT / "desired_state", folder / "desired_state")
    shutil.copytree(ROOT / "handlers" / "api", folder / "handlers" / "api")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and k != "PYTHONDONTWRITEBYTECODE"}
    more = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "111111111111",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MERIDIAN_CACHE": str(default_cache()),
        "PYTHONPATH": str(ROOT),
    }
    return Meridian(folder, kept | more)
