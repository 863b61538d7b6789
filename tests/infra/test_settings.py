"""Deploy-time settings: what is wrong is said, all at once, and says what would be right."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from infra.log_retention import RETENTION
from infra.settings import LOG_RETENTION_DAYS, DeploySettings, SettingsError, read_settings
from infra.source_tree import ROOT
from postern.workflow import Packing

GOOD: dict[str, Any] = {"hostname": "mx.castle-gate.org", "postmaster_email": "postmaster@castle-gate.org"}


def read(**context: Any) -> DeploySettings:
    return read_settings({**GOOD, **context}.get)


def test_two_settings_are_enough() -> None:
    settings = read()
    assert settings.packing is Packing.CHECK
    assert settings.told_of_security == "postmaster@castle-gate.org"
    assert not settings.production


def test_the_committed_configuration_is_good() -> None:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    assert read_settings(context.get).packing is Packing.CHECK


def test_every_key_of_the_committed_configuration_is_known() -> None:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    known = {field.name for field in dataclasses.fields(DeploySettings)}
    assert {name for name in context if not name.startswith(("@aws-cdk/", "aws-cdk:"))} <= known


def test_settings_of_the_command_line_are_texts() -> None:
    settings = read(production="true", desired_tasks="4", log_retention_days="90", packing="stage")
    assert (settings.production, settings.desired_tasks, settings.log_retention_days) == (True, 4, 90)
    assert settings.packing is Packing.STAGE


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hostname", None, "hostname: is missing"),
        ("hostname", "localhost", "'localhost' is not a full host name such as mx.example.org"),
        ("hostname", "mx..example.org", "is not a full host name"),
        ("postmaster_email", "postmaster", "'postmaster' is not an address such as"),
        ("security_email", "a b@castle-gate.org", "is not an address"),
        ("packing", "all", "'all' is not one of: check, stage"),
        ("production", "yes", "'yes' is neither true nor false"),
        ("desired_tasks", 0, "0 is not a number from 1 to 50"),
        ("desired_tasks", "two", "'two' is not a number from 1 to 50"),
        ("max_tasks", 1, "max_tasks: 1 is less than desired_tasks, 2."),
        ("log_retention_days", 31, "31 is not one of: 1, 7, 14"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        read(**{name: value})
    assert said in str(wrong.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as wrong:
        read(hostname="", packing="none", production="maybe")
    assert len(str(wrong.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"hostname": "mx.example.com"}, "reserved for examples"),
        ({"desired_tasks": 1}, "production needs at least 2"),
    ],
)
def test_production_needs_a_name_of_ones_own_and_two_tasks(context: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        read(production=True, **context)
    assert said in str(wrong.value)


def test_every_retention_has_a_word_of_the_cdk() -> None:
    assert set(RETENTION) == set(LOG_RETENTION_DAYS)


def test_the_deployment_page_explains_every_setting() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert not [field.name for field in dataclasses.fields(DeploySettings) if f"`{field.name}`" not in page]
