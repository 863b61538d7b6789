"""The contributors' page does what it says: its check goes into a copy of the tree by the steps of the page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-check.md"
MESSAGE = b"From: bob@example.com\r\nSubject: BUY NOW, LAST CHANCE\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def steps() -> tuple[str, str, str]:
    """The module, the line and the test, as the page has them."""
    module, line, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return module, line, test


@pytest.fixture(scope="module")
def domain(steps: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the domain library to which the check was added."""
    module, line, _ = steps
    copied = tmp_path_factory.mktemp("tree") / "python"
    shutil.copytree(ROOT / "layers" / "domain" / "python", copied, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "postern" / "checks" / "shouting.py").write_text(module, encoding="utf-8")
    catalog = copied / "postern" / "catalog.py"
    before = catalog.read_text(encoding="utf-8")
    catalog.write_text(re.sub(r'(CHECKS: tuple\[str, \.\.\.\] = \(\n(?:    ".*",\n)+)', rf"\1{line}", before), "utf-8")
    assert catalog.read_text(encoding="utf-8") != before
    return copied


def run(domain: Path, *arguments: str, **environment: str) -> str:
    """The output of Python with the copy in place of the domain library."""
    path = os.pathsep.join((str(domain), str(ROOT)))
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_test_of_the_page_passes(domain: Path, steps: tuple[str, str, str], tmp_path: Path) -> None:
    test = tmp_path / "test_shouting.py"
    test.write_text(steps[2], encoding="utf-8")
    options = ("-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT))
    assert "4 passed" in run(domain, "-m", "pytest", *options, str(test))


def test_the_check_is_in_a_verdict(domain: Path, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MESSAGE)
    cases = tmp_path / "cases.jsonl"
    cases.write_text(json.dumps({"message": str(tmp_path / "mail.eml"), "zone": {}}))
    told = json.loads(run(domain, "-m", "postern_cli", "scan", "--batch", str(cases), "--json"))
    assert told["results"]["shouting"] == {
        "result": "fail",
        "findings": [{"symbol": "SHOUTING_SUBJECT", "score": 0.8, "detail": "16 letters"}],
        "properties": {"letters": 16},
        "reason": "",
    }


def test_the_check_has_its_page_of_policy(domain: Path) -> None:
    told = run(domain, "-m", "postern_cli", "policy", "reference")
    assert "### `shouting`: Subjects in capital letters" in told
    assert "| `letters` | whole number, at least 1, at most 998 | `12` | global |" in told
    assert "| `SHOUTING_SUBJECT` | 0.8 |" in told


@pytest.mark.slow
def test_the_check_is_in_the_template_with_all_that_belongs_to_it(domain: Path, tmp_path: Path) -> None:
    run(domain, "app.py", CDK_OUTDIR=str(tmp_path))
    template = json.loads((tmp_path / "Postern.template.json").read_text(encoding="utf-8"))
    resources = template["Resources"].values()
    functions = [one for one in resources if one["Type"] == "AWS::Lambda::Function"]
    variables = [one["Properties"].get("Environment", {}).get("Variables", {}) for one in functions]
    assert [one for one in variables if one.get("POSTERN_CHECKS") == "shouting"]
    machines = [json.dumps(one) for one in resources if one["Type"] == "AWS::StepFunctions::StateMachine"]
    assert sum("shouting run" in machine for machine in machines) == 1
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert [one for one in alarms if "shouting" in json.dumps(one)]
