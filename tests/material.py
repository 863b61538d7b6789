"""Paths of the third-party test material that lies beside the project; tests that need it skip without it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def shared(*parts: str) -> Path:
    """The path of shared test material such as `shared("vectors", "spf", "rfc7208-tests.yml")`, or skip the test."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"test material {'/'.join(parts)} is not beside the project", allow_module_level=True)
    return path


def vectors(*parts: str) -> Path:
    """Conformance vectors by topic, e.g. `vectors("spf", "rfc7208-tests.yml")`."""
    return shared("vectors", *parts)


def corpora(*parts: str) -> Path:
    """Real mail."""
    return shared("corpora", *parts)
