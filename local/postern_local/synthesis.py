"""The cloud assembly of this working tree: synthesized when an input has changed, else the one that is there.

SynthesisError    the CDK app failed; the text is what it said
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSEMBLIES = ROOT / "build" / "assemblies"
INPUTS = ("app.py", "cdk.json", "requirements.lock", "infra", "functions", "frontend", "layers/domain", "layers/aws")
IGNORED = frozenset({"__pycache__"})
FINISHED = "finished"
LOCK_FILE = "synthesis.lock"
ASSEMBLIES_KEPT = 3
MAX_SECONDS = 300
_DIGITS = 20


class SynthesisError(Exception):
    """The template could not be made."""


def fingerprint(context: Mapping[str, str]) -> str:
    """Changes with every file that goes into the assembly, and with the context."""
    digest = hashlib.sha256(json.dumps(dict(context), sort_keys=True).encode())
    for path in _files():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()[:_DIGITS]


def is_ready(directory: Path, context: Mapping[str, str]) -> bool:
    """Whether the assembly of the tree as it is now is there."""
    return (directory / fingerprint(context) / FINISHED).is_file()


def synthesize(directory: Path, context: Mapping[str, str]) -> Path:
    """The assembly below `directory`; the oldest ones that nobody uses are removed. Raises `SynthesisError`.

    Several processes may want the same one: the first makes it, the others wait.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assembly = directory / fingerprint(context)
        if not (assembly / FINISHED).is_file():
            shutil.rmtree(assembly, ignore_errors=True)
            _run_app(assembly, context)
            (assembly / FINISHED).touch()
            _remove_oldest(directory)
    return assembly


@contextmanager
def in_use(assembly: Path) -> Iterator[None]:
    """Nobody removes the assembly: a service that runs loads a function from it when it is called first."""
    with (assembly / FINISHED).open() as mark:
        fcntl.flock(mark, fcntl.LOCK_SH)
        yield


def _remove_oldest(directory: Path) -> None:
    finished = sorted(directory.glob(f"*/{FINISHED}"), key=lambda path: path.stat().st_mtime)
    for path in finished[:-ASSEMBLIES_KEPT]:
        if not _is_used(path):
            shutil.rmtree(path.parent, ignore_errors=True)


def _is_used(mark: Path) -> bool:
    with mark.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _run_app(assembly: Path, context: Mapping[str, str]) -> None:
    """In a process of its own: the CDK runs on Node, and needs more memory than the service."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {
        **os.environ,
        "PATH": programs,
        "CDK_OUTDIR": str(assembly),
        "CDK_CONTEXT_JSON": json.dumps(dict(context)),
    }
    try:
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise SynthesisError(f"the CDK app did not finish within {MAX_SECONDS} s") from late
    if done.returncode:
        raise SynthesisError(f"the CDK app failed:\n{(done.stderr or done.stdout)[-4000:]}")


def _files() -> Iterator[Path]:
    for name in INPUTS:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (one for one in found if one.is_file() and not IGNORED.intersection(one.parts))
