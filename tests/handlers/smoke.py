"""`python -m tests.handlers.smoke [URL]`: does the function synth, as it is built, make what this checkout makes?

URL is that of Lambda's runtime interface emulator in the image's container, as release CI starts it: `--read-only --tmpfs /tmp
--network host`, and the environment that `--environment` prints. Without a URL, the handler runs here, in a process of its own.
Both sides reach the embedded AWS at AWS_ENDPOINT_URL (`meridian local`), which this fills: the worked example's bundle, and no
templates.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cdk_app.code import shipped
from cdk_app.projection import fingerprint
from reconciler.aws import entries
from reconciler.aws.clients import Clients
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.aws.template_store import OF_TOPOLOGIES, TemplateStore
from tests.fakes.topologies import ROOT, orders

ACCOUNT, REGION = "111111111111", "us-east-1"
BUCKET = f"meridian-revisions-{ACCOUNT}-{REGION}"
HANDLER = (
    "import json, sys; from handlers.synth.app import handler; print(json.dumps(handler(json.load(sys.stdin), None)))"
)
PATIENCE = 180


def environment(endpoint: str) -> dict[str, str]:
    """Of the function, as the control stack sets it."""
    credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "smoke"}
    ours = {"MERIDIAN_ACCOUNT": ACCOUNT, "MERIDIAN_BUCKET": BUCKET, "MERIDIAN_HOME_REGION": REGION}
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, **credentials, **ours}


def ask(url: str | None, event: Any) -> Any:
    if url:
        request = urllib.request.Request(url, data=json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-P", "-c", HANDLER],
            input=json.dumps(event),
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MERIDIAN_CACHE": cache},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check(url: str | None, keys: Sequence[str]) -> None:
    assert ask(url, {"topology": "../x", "keys": ["api"]})["error"]["code"] == "BadRequest"
    version = uploaded()
    nothing = ask(url, {"topology": "nothing", "version": "", "keys": ["global"]})
    assert "no bundle" in nothing["error"]["message"], nothing
    event = {"topology": "orders", "version": version, "keys": list(keys)}
    wanted = {key: fingerprint(orders(), key) for key in keys}
    for what in ("made", "found again"):
        began = time.monotonic()
        answer = ask(url, event)
        assert answer == {"stored": wanted}, f"not {what}: {answer}"
        print(f"{len(keys)} templates {what} after {time.monotonic() - began:.1f} s", flush=True)
    compare(TemplateStore(Clients(), BUCKET, REGION), keys)


def uploaded() -> str:
    """The version of the worked example's bundle, of a commit that nobody made."""
    bundle, model = import_module("reconciler.load.bundle"), import_module("reconciler.model.bundle")
    revisions = import_module("reconciler.aws.revisions")
    s3 = Clients().writer("s3", REGION)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    commit = model.Commit(commit="0" * 40, author="smoke", generation=1, repository="github.com/smoke/smoke")
    return revisions.RevisionBucket(Clients(), BUCKET, REGION).upload(
        bundle.pack(orders(), commit=commit, shipped=shipped), None
    )


def compare(store: TemplateStore, keys: Sequence[str]) -> None:
    """What is in the bucket is what this machine makes, to the byte."""
    cached = CachedSynthesizer()
    cached.templates(orders(), keys)
    for key, place in cached.places(orders(), keys).items():
        assert store.get(place.name) == entries.packed(place), f"template {key} is not as it is made here"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.handlers.smoke", description=__doc__)
    parser.add_argument("url", nargs="?")
    parser.add_argument(
        "--environment", action="store_true", help="print the function's, as `docker run --env-file` takes it"
    )
    parser.add_argument("--keys", nargs="+", default=OF_TOPOLOGIES, help="templates to ask for; all of them without")
    asked = parser.parse_args()
    found = environment(os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"))
    if asked.environment:
        print("\n".join(f"{name}={value}" for name, value in found.items()))
        return
    os.environ.update(found)
    check(asked.url, asked.keys)
    print(f"synth makes what {ROOT} makes")


if __name__ == "__main__":
    main()
