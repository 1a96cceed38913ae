"""The package of the functions alone, against the embedded AWS: an interpreter that knows nothing else sees what we see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdk_app.machine import host
from cdk_app.packaging import stage
from reconciler.aws.clients import Clients
from reconciler.aws.synthesis import CachedSynthesizer
from reconciler.aws.template_store import OF_TOPOLOGIES, publish_templates
from reconciler.loop import look
from reconciler.wiring import ports
from tests.embedded.conftest import ROOT, Aws
from tests.embedded.converged import credentials
from tests.fakes.topologies import orders

BUCKET = "meridian-revisions-111111111111-us-east-1"
PASS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from pathlib import Path
from reconciler import wiring
from reconciler.hosting import passes
from reconciler.aws.clients import Clients
from reconciler.load import load
from reconciler.loop import look
(topology,) = load(Path(sys.argv[2]))
world = replace(wiring.ports(), synthesizer=passes.stored_synthesizer(Clients(), "v1"))
outcome = look(world, topology)
foreign = [m for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", "") or "")]
print(json.dumps([outcome.plan.fingerprint, outcome.result, len(foreign)]))
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runtime, architecture = host()
    return stage(tmp_path_factory.mktemp("package") / "code", runtime=runtime, architecture=architecture)


def test_a_pass_of_the_package_alone_plans_what_is_planned_here(aws: Aws, code: Path, tmp_path: Path) -> None:
    """Templates come from S3, as in Lambda: the package could not make one."""
    aws.still()
    aws.client("s3").create_bucket(Bucket=BUCKET)
    topology = orders()
    with credentials(aws):
        publish_templates(topology, Clients(), BUCKET, "us-east-1")
        here = look(ports(), topology)
        environment = {
            name: os.environ[name] for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        }
    environment |= {
        "MERIDIAN_BUCKET": BUCKET,
        "MERIDIAN_HOME_REGION": "us-east-1",
        "MERIDIAN_CACHE": str(tmp_path / "cache"),
        "HOME": "/nonexistent",
    }
    command = [sys.executable, "-I", "-S", "-B", "-c", PASS, str(code), str(ROOT / "desired_state/orders.yaml")]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fingerprint, result, foreign = json.loads(done.stdout)
    assert (fingerprint, result, foreign) == (here.plan.fingerprint, str(here.result), 0)
    keys = [key for key in OF_TOPOLOGIES if "heir" not in key]
    places = CachedSynthesizer(tmp_path / "cache").places(topology, keys)
    assert {p.name for p in (tmp_path / "cache").iterdir()} >= {places[key].name for key in ("global", "api", "edge")}
