"""The lock and what reads it: `tools/lock.py`."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import LOCK, ROOT, LockError, closure, parse_lock, read_lock
from tools.set_up import BUILD_TOOLS

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)

SMALL = f"""\
# written by a tool
castle==2.0 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via postern (pyproject.toml)
gate==1.4.post1 \\
    --hash=sha256:{B}
    # via
    #   castle
    #   postern (pyproject.toml:dev)
hinge==0.1 ; sys_platform == 'win32' and python_version < '3.12' \\
    --hash=sha256:{C}
    # via gate
moat==3 \\
    --hash=sha256:{D}
    # via postern (pyproject.toml)
"""


def test_a_pin_keeps_version_marker_hashes_and_who_asked_for_it() -> None:
    pins = parse_lock(SMALL)
    assert list(pins) == ["castle", "gate", "hinge", "moat"]
    assert pins["gate"].version == "1.4.post1"
    assert pins["gate"].required_by == {"castle", "postern"}
    assert pins["castle"].hashes == (f"sha256:{A}", f"sha256:{B}")
    assert pins["hinge"].marker == "sys_platform == 'win32' and python_version < '3.12'"
    assert pins["moat"].marker == ""


def test_closure_follows_what_a_package_requires_and_nothing_else() -> None:
    assert [pin.name for pin in closure(parse_lock(SMALL), ["castle"])] == ["castle", "gate", "hinge"]
    assert [pin.name for pin in closure(parse_lock(SMALL), ["moat"])] == ["moat"]


def test_closure_of_a_package_that_is_not_locked_is_an_error() -> None:
    with pytest.raises(LockError, match="drawbridge"):
        closure(parse_lock(SMALL), ["castle", "drawbridge"])


def test_requirement_carries_every_hash_and_no_marker() -> None:
    written = parse_lock(SMALL)["hinge"].requirement()
    assert written == f"hinge==0.1 \\\n    --hash=sha256:{C}"


@pytest.mark.parametrize("line", ["castle>=2", "castle==2.0", "-e .", f"castle --hash=sha256:{A}"])
def test_a_line_that_is_no_pin_with_hashes_is_an_error(line: str) -> None:
    with pytest.raises(LockError, match=re.escape(line)):
        parse_lock(line)


def test_every_line_of_the_lock_is_understood() -> None:
    named = re.findall(r"^([a-z0-9][^=\s]*)==", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(read_lock()) == sorted(named)


def test_build_tools_are_in_the_lock() -> None:
    assert set(BUILD_TOOLS) <= {pin.name for pin in closure(read_lock(), BUILD_TOOLS)}


def test_lock_satisfies_what_the_project_asks_for() -> None:
    pins = read_lock()
    for requirement in map(Requirement, _asked_for()):
        pin = pins[canonicalize_name(requirement.name)]
        assert pin.version in requirement.specifier, f"{requirement} is locked at {pin.version}: make lock"


def test_every_dependency_has_its_reason_written_down() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([^`\[]+)", page, flags=re.MULTILINE))
    assert documented == {Requirement(each).name for each in _asked_for()}


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "Makefile", ".ci/run"])
def test_no_address_of_an_index_is_committed(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?:|index-url|find-links|trusted-host", text.replace("--no-emit-index-url", ""))


def _asked_for() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups: list[list[str]] = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    return [each for group in groups for each in group]
