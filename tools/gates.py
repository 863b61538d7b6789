"""The gates every change passes, in order, up to the first that fails: `python -m tools.gates [NAME…]`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.lock import ROOT

BIN = Path(sys.executable).parent

# Cheapest first. Two workers, a file to each: the fixtures that start a service are a file's own.
GATES: Mapping[str, Sequence[str]] = {
    "formatting": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "contracts": ("lint-imports", "--no-logo"),
    "types": ("mypy",),
    "tests": ("pytest", "-n", "2", "--dist", "loadfile"),
    "unit": ("pytest", "-n", "2", "tests/unit"),
    "infra": ("pytest", "tests/infra"),
}
ALL = ("formatting", "lint", "contracts", "types", "tests")


def main(names: Sequence[str]) -> int:
    """Run the named gates, or all; 0 when every one passed, 2 for a name that is none."""
    if unknown := sorted(set(names) - GATES.keys()):
        print(f"No such gate: {', '.join(unknown)}. There are: {', '.join(GATES)}", file=sys.stderr)
        return 2
    chosen = list(names or ALL)
    passed: list[str] = []
    for number, name in enumerate(chosen, 1):
        print(f"\n== {number}/{len(chosen)} {name}: {' '.join(GATES[name])}", flush=True)
        started = time.monotonic()
        if _run(GATES[name]) != 0:
            print(_failure(name, passed, chosen[number:]), flush=True)
            return 1
        passed.append(f"{name} ({time.monotonic() - started:.0f} s)")
    print(f"\nEvery gate passed: {', '.join(passed)}", flush=True)
    return 0


def _run(command: Sequence[str]) -> int:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=environment, check=False).returncode


def _failure(name: str, passed: Sequence[str], left: Sequence[str]) -> str:
    lines = [f"\nGATE FAILED: {name}   (again: make {name})"]
    lines += [f"  passed: {', '.join(passed)}"] if passed else []
    lines += [f"  not run: {', '.join(left)}"] if left else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
