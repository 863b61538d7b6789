"""What is in the layers that are deployed. Their wheels come from the package index, once."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from layers.vendor.build import LAYERS, ensure_layer, size

ELF_MACHINE = struct.Struct("<18xH")
EM_AARCH64 = 183
UNZIPPED_LIMIT = 262_144_000  # AWS Lambda: a function and all its layers


@pytest.fixture(scope="module", params=LAYERS)
def layer(request: pytest.FixtureRequest) -> Path:
    return ensure_layer(request.param)


def test_every_library_is_for_arm64(layer: Path) -> None:
    libraries = [path for path in layer.rglob("*.so*") if path.is_file()]
    assert libraries
    for path in libraries:
        assert ELF_MACHINE.unpack_from(path.read_bytes()[:20]) == (EM_AARCH64,), path.name


def test_extensions_are_for_the_interpreter_of_lambda(layer: Path) -> None:
    named = [path.name for path in layer.rglob("*.cpython-*.so")]
    assert all("cpython-313-" in name for name in named), named


def test_nothing_in_a_layer_is_of_no_use_at_run_time(layer: Path) -> None:
    assert not [path for path in layer.rglob("*") if path.name in {"__pycache__", "tests"} or path.suffix == ".pyi"]


def test_layers_together_leave_room_for_the_function() -> None:
    assert size(ensure_layer("core")) + size(ensure_layer("scan")) < UNZIPPED_LIMIT // 2
