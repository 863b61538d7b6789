"""Settings: all that is wrong is said at once, by the variable's name."""

from __future__ import annotations

import pytest

from postern_aws.settings import (
    CompilePolicySettings,
    DeliverySettings,
    FrontEndSettings,
    RelaySettings,
    RunChecksSettings,
    SettingsError,
    read_settings,
    variables,
)
from tests.embedded_aws import Installation


@pytest.mark.parametrize(
    "kind", [RunChecksSettings, DeliverySettings, CompilePolicySettings, FrontEndSettings, RelaySettings]
)
def test_an_installation_has_what_each_deployable_needs(kind: type, aws: Installation) -> None:
    assert read_settings(kind, aws.environment()).log_level == "CRITICAL"


def test_every_missing_and_malformed_variable_is_named() -> None:
    environment = {"POSTERN_MESSAGE_BUCKET": "mail", "POSTERN_POLICY_TABLE": "", "POSTERN_NOTICE_TOPIC_ARN": "topic"}
    with pytest.raises(SettingsError) as told:
        read_settings(CompilePolicySettings, environment)
    text = str(told.value)
    assert "POSTERN_POLICY_TABLE is missing" in text
    assert "POSTERN_DOMAINS_TABLE is missing" in text
    assert "POSTERN_NOTICE_TOPIC_ARN: expected an ARN, found 'topic'" in text
    assert "POSTERN_MESSAGE_BUCKET" not in text


def test_what_is_optional_has_its_default() -> None:
    settings = read_settings(RunChecksSettings, {"POSTERN_CHECKS": "spf,iprev", "POSTERN_LOG_LEVEL": "debug"})
    assert settings == RunChecksSettings(checks=("spf", "iprev"), log_level="DEBUG")


def test_the_variables_of_a_deployable_can_be_listed() -> None:
    listed = variables(CompilePolicySettings)
    assert listed["POSTERN_LOG_LEVEL"] is False
    assert listed["POSTERN_POLICY_TABLE"] is True
