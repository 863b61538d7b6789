"""Received fields in the words of many mail servers."""

from __future__ import annotations

import pytest

from postern.mime.trace import Trace, parse_trace


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (
            "from mail.example.com (h.example [192.0.2.7])\r\n by mx (Postfix) with ESMTPS id 4F7\r\n for <a@b.c>",
            Trace("mail.example.com", "192.0.2.7", "", "mx", "", "ESMTPS", "4F7", "a@b.c"),
        ),
        (
            "from unknown (HELO said.example) (192.0.2.7) by mx.example with SMTP",
            Trace("unknown", "192.0.2.7", "said.example", "mx.example", "", "SMTP"),
        ),
        (
            "from [192.0.2.9]:4711 (helo=[192.0.2.1]) by mx.example with local-esmtps id 1-2",
            Trace("192.0.2.9", "", "192.0.2.1", "mx.example", "", "ESMTPS", "1-2"),
        ),
        ("from a ([IPv6:2001:db8::7]) by b with LMTP", Trace("a", "2001:db8::7", "", "b", "", "LMTP")),
        ("(from ann@localhost) by b (8.12/8.12) id x1", Trace("ann@localhost", by="b", identifier="x1")),
        ("from a by b via HTTP", Trace("a", by="b", via="HTTP")),
        (
            "by b with Microsoft SMTP Server (version=TLS1_2) id 15.20",
            Trace(by="b", protocol="SMTP", identifier="15.20"),
        ),
        ("(qmail 1 invoked by uid 2)", Trace()),
        ("", Trace()),
    ],
)
def test_forms(text: str, trace: Trace) -> None:
    assert parse_trace(text) == trace


def test_the_date_is_read() -> None:
    date = parse_trace("from a by b; Sun, 22 Nov 2026 14:30:05 +0100").date
    assert date is not None
    assert date.isoformat() == "2026-11-22T14:30:05+01:00"
