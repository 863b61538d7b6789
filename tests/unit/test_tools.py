"""Set-up and the gates: `tools/set_up.py`, `tools/gates.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import gates, set_up
from tools.lock import ROOT

PROJECT = '[build-system]\nrequires = []\n[project]\nname = "x"\ndependencies = [{}]\n[tool.hatch]\n[tool.ruff]\n{}\n'


def write_project(root: Path, *, dependencies: str = "", ruff: str = "", lock: str = "") -> None:
    (root / "pyproject.toml").write_text(PROJECT.format(dependencies, ruff), encoding="utf-8")
    (root / "requirements.lock").write_text(lock, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "LOCK", tmp_path / "requirements.lock")
    write_project(tmp_path)
    return tmp_path


def test_set_up_is_due_when_the_lock_or_the_project_changes(project: Path) -> None:
    before = set_up.fingerprint()
    write_project(project, lock="castle==2.0")
    locked = set_up.fingerprint()
    write_project(project, lock="castle==2.0", dependencies='"castle"')
    assert len({before, locked, set_up.fingerprint()}) == 3


def test_set_up_is_not_due_when_a_tool_is_set_differently(project: Path) -> None:
    before = set_up.fingerprint()
    write_project(project, ruff="line-length = 80")
    assert set_up.fingerprint() == before


@pytest.fixture
def three_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that passes, one that fails, one that passes."""
    commands = {"walls": "", "door": "raise SystemExit(3)", "roof": ""}
    monkeypatch.setattr(gates, "GATES", {name: ("python", "-c", code) for name, code in commands.items()})
    monkeypatch.setattr(gates, "ALL", tuple(commands))


@pytest.mark.usefixtures("three_gates")
def test_the_first_gate_that_fails_is_the_last_to_run(capfd: pytest.CaptureFixture[str]) -> None:
    assert gates.main([]) == 1
    said = capfd.readouterr().out
    assert "== 2/3 door" in said
    assert "== 3/3 roof" not in said
    assert "GATE FAILED: door   (again: make door)\n  passed: walls (0 s)\n  not run: roof" in said


@pytest.mark.usefixtures("three_gates")
def test_gates_can_be_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert gates.main(["walls", "roof"]) == 0
    assert "Every gate passed: walls (0 s), roof (0 s)" in capfd.readouterr().out


@pytest.mark.usefixtures("three_gates")
def test_a_name_that_is_no_gate_runs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert gates.main(["moat"]) == 2
    assert "There are: walls, door, roof" in capfd.readouterr().err


def test_every_gate_is_a_target_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in makefile.splitlines() if ":" in line for name in line.split(":")[0].split()}
    assert gates.GATES.keys() <= targets
