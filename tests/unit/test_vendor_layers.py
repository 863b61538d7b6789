"""Which packages a vendored layer gets: `layers/vendor/build.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from layers.vendor import build
from tools.lock import parse_lock, read_lock

HASH = f"\\\n    --hash=sha256:{'a' * 64}\n"

MARKED = (
    f"bridge==1 {HASH}    # via postern (pyproject.toml)\n"
    f"arm==1 ; platform_machine == 'aarch64' {HASH}    # via bridge\n"
    f"intel==1 ; platform_machine == 'x86_64' {HASH}    # via bridge\n"
    f"older==1 ; python_full_version < '3.12' {HASH}    # via bridge\n"
    f"newer==1 ; python_full_version >= '3.12' {HASH}    # via bridge\n"
    f"windows==1 ; sys_platform == 'win32' {HASH}    # via bridge\n"
    f"elsewhere==1 {HASH}    # via postern (pyproject.toml)\n"
)


def test_markers_are_decided_for_lambda_and_not_for_this_machine() -> None:
    chosen = build.selection(parse_lock(MARKED), ["bridge"])
    assert [pin.name for pin in chosen] == ["arm", "bridge", "newer"]


@pytest.mark.parametrize("name", build.LAYERS)
def test_layer_is_its_packages_what_they_require_and_no_tool(name: str) -> None:
    chosen = {pin.name for pin in build.selection(read_lock(), build.LAYERS[name])}
    assert chosen >= set(build.LAYERS[name])
    assert not chosen & {"aws-cdk-lib", "moto", "pytest", "mypy", "uv", "postern", "typer"}


def test_no_lambda_layer_carries_the_sdk_of_lambdas_own_runtime() -> None:
    for name in ("core", "scan"):
        chosen = {pin.name for pin in build.selection(read_lock(), build.LAYERS[name])}
        assert not chosen & {"boto3", "botocore", "s3transfer"}


def test_no_package_comes_twice_to_a_function_with_both_layers() -> None:
    core, scan = ({pin.name for pin in build.selection(read_lock(), build.LAYERS[name])} for name in ("core", "scan"))
    assert not core & scan


def test_requirements_pin_every_package_by_hash() -> None:
    pins = build.selection(read_lock(), build.LAYERS["core"])
    text = build.requirements("core")
    assert text.count("==") == len(pins)
    assert text.count("--hash=sha256:") == sum(len(pin.hashes) for pin in pins)


def test_a_layer_is_built_once_and_again_when_its_part_of_the_lock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def install(name: str, listing: Path, target: Path) -> None:
        built.append(listing.read_text())
        (target / "bridge" / "tests").mkdir(parents=True)
        (target / "bridge" / "__init__.py").write_text("")

    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build, "_install", install)
    first = build.ensure_layer("core")
    assert build.ensure_layer("core") == first
    assert len(built) == 1
    assert [path.name for path in first.glob("python/bridge/*")] == ["__init__.py"]
    monkeypatch.setattr(build, "requirements", lambda _: "changed==1\n")
    assert build.ensure_layer("core") == first
    assert built[1:] == ["changed==1\n"]


def test_without_an_index_the_error_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="no route to host")

    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(subprocess, "run", refused)
    with pytest.raises(build.LayerError, match=r"takes a package index once(.|\n)*no route to host"):
        build.ensure_layer("core")
    assert not (tmp_path / "core.digest").exists()
