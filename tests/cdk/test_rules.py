"""Templates against CloudFormation's schemas (cfn-lint) and against security rules (cdk-nag)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint_file

from cdk_app import strict
from cdk_app.app import build
from cdk_app.projection import KEYS
from tests.cdk.topologies import ORDERS

KNOWN = {
    "data-heir": ["E3021 'MasterUsername' is a dependency of 'MasterUserPassword'"],
    "control": ["W3037 'createdistributionwithtags'", "W3037 'allowvendedlogdeliveryforresource'"],
}
"""True of a cluster that is made with a password; the heir's has its master already, and only gets another password. The control
plane's roles have what the registry's schemas list, of which two are in no reference."""


@pytest.mark.parametrize("key", KEYS)
def test_cloudformation_accepts_the_template(key, assembly):
    found = [message.partition(" is not one of ")[0] for message in lint(assembly / f"{key}.template.json")]
    assert found == KNOWN.get(key, [])


def test_lint_would_notice(tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"Colour": "red"}}}}))
    assert any(finding.startswith("E3002") for finding in lint(path))


def lint(path: Path) -> list[str]:
    """Errors and warnings."""
    return [f"{m.rule.id} {m.message}" for m in lint_file(path, config=ManualArgs(regions=["us-east-1"]))]


def test_every_security_finding_is_acknowledged_and_every_acknowledgement_is_needed(tmp_path, monkeypatch):
    expected = {
        (kind, logical, rule): reason
        for (kind, logical), reasons in strict.acknowledged(ORDERS).items()
        for rule, reason in reasons.items()
    }
    assert all(len(reason) > 10 for reason in expected.values())
    monkeypatch.setattr(strict, "acknowledged", lambda _: {})
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        build(ORDERS, tmp_path / "out", strict=True)
    (report,) = [
        r
        for r in json.loads((tmp_path / "out" / "validation-report.json").read_text())["pluginReports"]
        if r["pluginName"] == "AwsSolutions"
    ]
    found = {
        (path.split("-")[0], logical, violation["ruleName"].removeprefix("AwsSolutions-"))
        for violation in report["violations"]
        for path, _, logical in (c["constructPath"].partition("/") for c in violation["violatingConstructs"])
    }
    assert found == set(expected)
