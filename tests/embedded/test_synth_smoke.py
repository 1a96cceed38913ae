"""The smoke test of the synth image, on the handler in a plain process: the image itself is tried where it is built."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.embedded.conftest import ROOT, Aws


def test_the_handler_makes_what_this_checkout_makes(aws: Aws) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.handlers.smoke", "--keys", "global", "edge"],
        cwd=ROOT,
        env={**os.environ, "AWS_ENDPOINT_URL": aws.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 templates found again" in done.stdout
