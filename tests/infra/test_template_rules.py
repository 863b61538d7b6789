"""What general rules say of the template: cfn-lint, and cdk-nag with a reason for whatever it is not followed in."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cfnlint.api
import pytest

from tests.infra.template import STACK, Template

# The CDK writes a DependsOn for every role beside the GetAtt that says the same.
NOT_OURS = ["W3005"]
ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
SHORTEST_REASON = 30


@pytest.mark.parametrize("name", ["template", "production"])
def test_cfn_lint_finds_nothing(name: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(name)
    config = cfnlint.api.ManualArgs(regions=["eu-central-1", "us-east-1"], ignore_checks=NOT_OURS)
    found = cfnlint.api.lint(template.path.read_text(encoding="utf-8"), config=config)
    assert [f"{one.rule.id} {one.message}" for one in found] == []


def test_every_acknowledged_rule_has_a_reason(template: Template) -> None:
    """A finding that is not acknowledged fails the synthesis itself."""
    metadata = json.loads((template.assembly / f"{STACK}.metadata.json").read_text(encoding="utf-8"))
    reasons = {
        (path, rule): reason
        for path, entries in metadata.items()
        for entry in entries
        if entry["type"] == ACKNOWLEDGED
        for rule, reason in entry["data"].items()
        if "AwsSolutions" in rule  # the CDK acknowledges a few of its own
    }
    assert reasons
    assert all(len(reason) >= SHORTEST_REASON and reason.endswith(".") for reason in reasons.values())


def test_a_finding_without_a_reason_fails_the_synthesis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    from aws_cdk import App, Stack, Validations, aws_sqs  # noqa: PLC0415 - starts Node, which PATH has to name
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415 - as above

    app = App(outdir=str(tmp_path), analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    aws_sqs.Queue(Stack(app, "Careless"), "Plain")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
