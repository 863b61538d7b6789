"""Every test of the worker gets its own AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded_aws import Installation, installation


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A fresh installation in moto."""
    with installation(monkeypatch) as made:
        yield made
