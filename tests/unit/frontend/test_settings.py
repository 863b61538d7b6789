from __future__ import annotations

import pytest

from postern_aws.settings import SettingsError, read_settings
from postern_frontend.settings import ReceiverSettings

REQUIRED = {
    "POSTERN_HOSTNAME": "mx.example.com",
    "POSTERN_MESSAGE_BUCKET": "messages",
    "POSTERN_ACCOUNTS_TABLE": "Accounts",
    "POSTERN_ALIASES_TABLE": "Aliases",
    "POSTERN_OUTBOX_TABLE": "Outbox",
    "POSTERN_RECEIPTS_TABLE": "Receipts",
    "POSTERN_SCREENING_TABLE": "Screening",
    "POSTERN_NOTICE_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:notices",
    "POSTERN_SECURITY_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:security",
    "POSTERN_STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:Filter",
    "POSTERN_OUTBOUND_STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:Outgoing",
    "POSTERN_TLS_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:Tls",
}


def test_the_required_variables_suffice() -> None:
    settings = read_settings(ReceiverSettings, REQUIRED)
    assert settings.smtp_port == 2525
    assert settings.max_message_octets == 50 * 1024 * 1024
    assert settings.drain_seconds == 100


def test_words_numbers_and_flags_are_read() -> None:
    more = {
        "POSTERN_DRAIN_SECONDS": "1.5",
        "POSTERN_PROXY_PROTOCOL": "true",
        "POSTERN_SMTP_PORT": "25",
        "POSTERN_LISTEN_ADDRESS": "127.0.0.1",
    }
    settings = read_settings(ReceiverSettings, REQUIRED | more)
    assert settings.drain_seconds == 1.5
    assert settings.proxy_protocol is True
    assert (settings.listen_address, settings.smtp_port) == ("127.0.0.1", 25)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = {
        "POSTERN_SMTP_PORT": "70000",
        "POSTERN_DRAIN_SECONDS": "nan",
        "POSTERN_PROXY_PROTOCOL": "perhaps",
        "POSTERN_LISTEN_ADDRESS": "here",
        "POSTERN_HOSTNAME": "",
    }
    with pytest.raises(SettingsError) as raised:
        read_settings(ReceiverSettings, REQUIRED | wrong)
    for variable in wrong:
        assert variable in str(raised.value)
    assert "expected true or false, found 'perhaps'" in str(raised.value)
