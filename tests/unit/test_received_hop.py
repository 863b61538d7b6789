"""Received fields as mail servers write them, and as clients would like them to read."""

from __future__ import annotations

import pytest

from postern.received_hop import ReceivedHop, read_hop

KNOWN = [
    # Postfix
    (
        "from mail.example.com (host.example.net [192.0.2.7]) by mx.fwd.example (Postfix) with ESMTPS id 4F; now",
        ReceivedHop("192.0.2.7", "mail.example.com"),
    ),
    (
        "from mail.example.com (unknown [IPv6:2001:db8::7]) (using TLSv1.3 with X (256/256 bits)) by mx.fwd.example",
        ReceivedHop("2001:db8::7", "mail.example.com"),
    ),
    ("from [192.0.2.9] (unknown [192.0.2.7]) by mx.fwd.example", ReceivedHop("192.0.2.7", "[192.0.2.9]")),
    # Sendmail
    ("from x (y.example [192.0.2.7] (may be forged)) by mx.fwd.example", ReceivedHop("192.0.2.7", "x")),
    # Exim
    ("from host.example.net ([192.0.2.7] helo=said.example) by mx", ReceivedHop("192.0.2.7", "said.example")),
    ("from [192.0.2.7] (port=4711 helo=said.example) by mx", ReceivedHop("192.0.2.7", "said.example")),
    ("from [192.0.2.7] (helo=[198.51.100.1]) by mx", ReceivedHop("192.0.2.7", "[198.51.100.1]")),
    # qmail
    (
        "from unknown (HELO said.example) (192.0.2.7) by mx.fwd.example with SMTP",
        ReceivedHop("192.0.2.7", "said.example"),
    ),
    # Exchange
    (
        "from A.prod.example (2001:db8:10a6::7) by B.prod.example (2001:db8:10a6::8) with Microsoft SMTP Server",
        ReceivedHop("2001:db8:10a6::7", "A.prod.example"),
    ),
    # Google
    (
        "from m.example.com (m.example.com. [192.0.2.7]) by mx.google.example with ESMTPS",
        ReceivedHop("192.0.2.7", "m.example.com"),
    ),
    ("FROM x ([::ffff:192.0.2.7]) BY mx", ReceivedHop("192.0.2.7", "x")),
    # handed on inside the server
    ("by mx.fwd.example (Postfix, from userid 1000) id 77; now", ReceivedHop(None, "")),
    ("(qmail 123 invoked by uid 0); now", ReceivedHop(None, "")),
]


@pytest.mark.parametrize(("value", "expected"), KNOWN)
def test_known_forms(value: str, expected: ReceivedHop) -> None:
    assert read_hop(value) == expected


UNSURE = [
    "",
    "from",
    "from x by mx.fwd.example",
    "from [192.0.2.7] by mx.fwd.example",
    "from x (no address) by mx.fwd.example",
    "from x (y [192.0.2.7])",
    "from x (y [999.0.2.7]) by mx",
    "from x y (z [192.0.2.7]) by mx",
    # a HELO with a comment of its own
    "from x (y [198.51.100.1]) (unknown [192.0.2.7]) by mx",
    "from host ([192.0.2.7] helo=x [198.51.100.1]) by mx",
    "from x (y [192.0.2.7] by mx",
    "from x (((((y [192.0.2.7]))))) by mx",
]


@pytest.mark.parametrize("value", UNSURE)
def test_what_cannot_be_told_for_sure_is_not_told(value: str) -> None:
    assert read_hop(value) is None


def test_a_field_that_only_opens_comments_takes_no_time() -> None:
    assert read_hop("from x " + "(" * 500_000) is None
    assert read_hop("from x " + "(()" * 300_000) is None
