"""Fixtures: the template of a trial deployment in each packing, and of a production one."""

from __future__ import annotations

import pytest

from postern.workflow import Packing
from tests.infra.template import Template, synthesized


@pytest.fixture(scope="session")
def template() -> Template:
    """One Lambda per check, on trial."""
    return synthesized()


@pytest.fixture(scope="session")
def production() -> Template:
    """One Lambda per check, in production, with submission."""
    return synthesized(production=True)


@pytest.fixture(scope="session", params=list(Packing), ids=str)
def packed(request: pytest.FixtureRequest) -> tuple[Packing, Template]:
    """Each packing with its template."""
    return request.param, synthesized(request.param)
