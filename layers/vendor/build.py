"""Build what Lambda and the front end's image need of others' packages: arm64 wheels from the one lock.

    python -m layers.vendor.build [NAME…]

No Docker and no emulation: pip fetches the wheels made for the target and unpacks them, hashes checked. A layer
is built again only when its part of the lock, the target or this program has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from packaging.markers import Marker

from tools.lock import Pin, closure, read_lock

BUILD = Path(__file__).resolve().parent / "build"

# Which packages a layer is named for; the lock adds what these require. boto3 is in Lambda's own runtime, and
# patched there, so no layer carries it; the front end's image has no such runtime and gets it here.
_CORE = ("aws-lambda-powertools", "cryptography", "dnspython", "regex")
LAYERS: Mapping[str, Sequence[str]] = {
    "core": _CORE,
    "scan": ("hyperscan", "numpy"),
    "front_end": (*_CORE, "argon2-cffi", "boto3"),
}

# Lambda's Python 3.13 stands on Amazon Linux 2023, whose glibc is 2.34.
PYTHON_VERSION = "3.13"
GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34)
PLATFORMS = ("manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in GLIBC_MINORS))
TARGET_ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON_VERSION}.0",
    "python_version": PYTHON_VERSION,
    "sys_platform": "linux",
}

# Nothing reads these at run time: byte code for another interpreter, tests, stubs, headers, pip's notes.
SURPLUS_FOLDERS = ("__pycache__", "bin", "include", "tests")
SURPLUS_FILES = ("*.a", "*.pxd", "*.pyi", "*.pyx", "*.dist-info/INSTALLER", "*.dist-info/RE[CQ]*")
# One moment for every file, so that equal contents make an equal archive: the first that a zip file can say.
_TIMESTAMP = 315_532_800


class LayerError(Exception):
    """A layer could not be built; the text says what a person can do."""


def ensure_layer(name: str) -> Path:
    """The folder of a layer, with `python/` in it as Lambda wants it, built now if it is missing or old.

    Raises `LayerError` where a wheel cannot be had, `KeyError` for a name that is not in `LAYERS`.
    """
    text = requirements(name)
    digest = hashlib.sha256(Path(__file__).read_bytes() + text.encode()).hexdigest()
    folder, stamp = BUILD / name, BUILD / f"{name}.digest"
    BUILD.mkdir(exist_ok=True)
    with _one_at_a_time():
        if not (stamp.is_file() and folder.is_dir() and stamp.read_text(encoding="ascii") == digest):
            stamp.unlink(missing_ok=True)
            _build(name, text, folder)
            stamp.write_text(digest, encoding="ascii")
    return folder


def selection(pins: Mapping[str, Pin], names: Sequence[str]) -> tuple[Pin, ...]:
    """What of the lock the target has to be given for the named packages.

    The lock's markers are decided for the target here: pip would decide them for the machine it runs on.
    """
    return tuple(pin for pin in closure(pins, names) if _applies(pin))


def requirements(name: str) -> str:
    """A layer's part of the lock, as pip reads it."""
    return "".join(f"{pin.requirement()}\n" for pin in selection(read_lock(), LAYERS[name]))


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _applies(pin: Pin) -> bool:
    return not pin.marker or Marker(pin.marker).evaluate(TARGET_ENVIRONMENT)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two test workers may want the same layer at once."""
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(name: str, text: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
        listing, fresh = Path(scratch) / "requirements.txt", Path(scratch) / "layer"
        listing.write_text(text, encoding="utf-8")
        _install(name, listing, fresh / "python")
        _strip(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _install(name: str, listing: Path, target: Path) -> None:
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"),
        *("--implementation", "cp", "--python-version", PYTHON_VERSION, *platforms),
        *("--target", str(target), "--requirement", str(listing)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LayerError(
            f"The layer {name!r} needs wheels that could not be fetched. Building it takes a package index once,"
            f" and it is then kept in {BUILD}. pip said:\n{done.stderr[-2000:]}"
        )


def _strip(layer: Path) -> None:
    """Leave only what runs, the same bytes and times whoever builds it."""
    for pattern in SURPLUS_FOLDERS:
        for folder in sorted(layer.rglob(pattern)):
            shutil.rmtree(folder, ignore_errors=True)
    for pattern in SURPLUS_FILES:
        for path in sorted(layer.rglob(pattern)):
            path.unlink()
    for path in (layer, *layer.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_TIMESTAMP, _TIMESTAMP))


def main(names: Sequence[str]) -> int:
    """Build the named layers, or all, and say how large each is; the exit code for the shell."""
    if unknown := sorted(set(names) - LAYERS.keys()):
        sys.stderr.write(f"No such layer: {', '.join(unknown)}. There are: {', '.join(LAYERS)}\n")
        return 2
    try:
        for name in names or LAYERS:
            folder = ensure_layer(name)
            sys.stdout.write(f"{name:10} {size(folder) / 1e6:6.1f} MB  {folder}\n")
    except LayerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
