"""The Received-SPF field: complete, and closed to what a sender writes (RFC 7208 §9.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from postern.model import ResultWord
from postern.networks import read_address
from postern.spf.evaluator import Verdict
from postern.spf.identity import SpfRequest
from postern.spf.received_spf import received_spf


def field(
    *, helo: str = "mail.example.com", envelope_from: str = "bob@example.com", client_ip: str = "192.0.2.1"
) -> str:
    request = SpfRequest(
        client_ip=read_address(client_ip),
        helo_identity=helo,
        local_part="bob",
        domain="example.com",
        receiver="mx.receiver.example",
        asked_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    return received_spf(request, Verdict(ResultWord.PASS, "ip4:192.0.2.0/24"), "mailfrom", envelope_from).value


def test_the_usual_field() -> None:
    assert field() == (
        'pass (the domain permits this client) client-ip=192.0.2.1; envelope-from="bob@example.com"; '
        "helo=mail.example.com; receiver=mx.receiver.example; identity=mailfrom; "
        'mechanism="ip4:192.0.2.0/24"'
    )


def test_addresses_with_colons_are_quoted() -> None:
    assert 'client-ip="2001:db8::1"' in field(client_ip="2001:db8::1")


HOSTILE = ["x\r\nX-Injected: yes", 'a"; helo=good.example; x="', "back\\", "é (comment)", "", "a; identity=helo", "\0"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_a_client_says_leaves_its_quotes(text: str) -> None:
    value = field(helo=text, envelope_from=text)
    assert value.isascii()
    assert value.isprintable()
    without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", value)
    assert re.findall(r"([a-z-]+)=", without_strings) == [
        "client-ip",
        "envelope-from",
        "helo",
        "receiver",
        "identity",
        "mechanism",
    ]


def test_long_values_are_cut() -> None:
    assert len(field(helo="h" * 10_000, envelope_from="m" * 10_000)) < 800
