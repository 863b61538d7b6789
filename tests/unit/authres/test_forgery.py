"""Fields that claim to be from us are found in every disguise; those of others are not."""

from __future__ import annotations

import pytest

from postern.authres.forgery import names_us

OURS = "mx.receiver.example"


@pytest.mark.parametrize(
    "value",
    [
        "mx.receiver.example; dkim=pass header.d=bank.example",
        "MX.Receiver.EXAMPLE; dkim=pass",
        " mx.receiver.example 1; dkim=pass",
        "(really) mx.receiver.example (yes) ; dkim=pass",
        '"mx.receiver.example"; dkim=pass',
        '"mx.rec\\eiver.example"; dkim=pass',
        "mx.receiver.example.; dkim=pass",
        "i=1; mx.receiver.example; dkim=pass",
        "\r\n\tmx.receiver.example\r\n\t; dkim=pass",
        "mx.receiver.example/1; dkim=pass",
        "mx.receiver.example",
        "mx.receiver.example; none",
        "mx.receiver.example; dkim=",
        "mx.receiver.example dkim=pass",
        "mx.receiver.example (unfinished; dkim=pass",
        "dkim=pass header.d=bank.example; mx.receiver.example; spf=pass",
        "other.example; broken (; mx.receiver.example; dkim=pass",
    ],
)
def test_ours(value: str) -> None:
    assert names_us(value, OURS)


@pytest.mark.parametrize(
    "value",
    [
        "other.example; dkim=pass header.d=bank.example",
        "mx.receiver.example.org; dkim=pass",
        "notmx.receiver.example; dkim=pass",
        "receiver.example; dkim=pass",
        "other.example; spf=pass smtp.helo=mx.receiver.example",
        "other.example; broken (",
        "",
    ],
)
def test_not_ours(value: str) -> None:
    assert not names_us(value, OURS)
