"""The summary of a message: what an IMAP server shows without reading it, for any octets."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from postern.message import parse_message
from postern.message_summary import MAX_SUMMARY_PARTS, MAX_SUMMARY_TEXT, MessageSummary, summarize
from postern.wire import dumps, from_json

LETTER = b"""\
From: "Bob, of Sender" <bob@sender.example>
To: ann@example.com, Team: eve@example.com, dan@example.com;
Subject: =?utf-8?q?T=C3=A9?=
Date: Sun, 22 Nov 2026 12:00:00 +0000
Message-ID: <1@sender.example>
In-Reply-To: <0@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

one
two
--b
Content-Type: message/rfc822

Subject: inner
Content-Type: text/html

<p>x</p>
--b
Content-Type: application/pdf; name="a.pdf"
Content-Disposition: attachment; filename="a.pdf"
Content-Transfer-Encoding: base64

AAAA
--b--
""".replace(b"\n", b"\r\n")


def summary(raw: bytes) -> MessageSummary:
    return summarize(parse_message(raw))


def test_the_envelope_is_the_headers() -> None:
    envelope = summary(LETTER).envelope
    assert envelope["subject"] == "=?utf-8?q?T=C3=A9?="
    assert envelope["from"] == [["Bob, of Sender", "bob", "sender.example"]]
    assert envelope["sender"] == envelope["reply_to"] == envelope["from"]
    assert [one[1] for one in envelope["to"]] == ["ann", "eve", "dan"]
    assert (envelope["message_id"], envelope["in_reply_to"]) == ("<1@sender.example>", "<0@example.com>")
    assert envelope["date"] == "Sun, 22 Nov 2026 12:00:00 +0000"


def test_the_body_structure_is_the_tree_of_parts() -> None:
    found = summary(LETTER)
    assert found.complete
    structure = found.body_structure
    assert (structure["type"], structure["subtype"], structure["parameters"]) == (
        "multipart",
        "mixed",
        {"boundary": "b"},
    )
    text, inner, file = structure["parts"]
    assert (text["subtype"], text["lines"], text["encoding"]) == ("plain", 2, "7bit")
    assert inner["envelope"]["subject"] == "inner"
    assert inner["structure"]["subtype"] == "html"
    assert file["disposition"] == ["attachment", "a.pdf"]
    assert (file["encoding"], file["octets"]) == ("base64", 4)


def test_a_single_part_is_its_own_structure() -> None:
    structure = summary(b"Subject: x\r\n\r\nbody\r\n").body_structure
    assert (structure["type"], structure["octets"], structure["lines"]) == ("text", 6, 1)
    assert "parts" not in structure


def test_what_a_sender_can_pile_up_is_bounded() -> None:
    parts = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 900
    head = b"Subject: " + b"s" * 100_000 + b"\r\nTo: " + b"a@b.example, " * 5_000 + b"\r\n"
    found = summary(head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n")
    assert not found.complete
    assert len(found.body_structure["parts"]) == MAX_SUMMARY_PARTS
    assert len(found.envelope["subject"]) == MAX_SUMMARY_TEXT
    assert len(found.envelope["to"]) == 50


def test_a_summary_survives_the_wire() -> None:
    found = summary(LETTER)
    assert from_json(MessageSummary, json.loads(dumps(found))) == found


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"\r\n",
                b"--b\r\n",
                b"Content-Type: multipart/mixed; boundary=b\r\n",
                b"Content-Type: message/rfc822\r\n",
                b"From: \xff\xfe<@,;:>\r\n",
                b"\0",
                b'To: a@b, "x\r\n',
                b"=?utf-8?q?=ED=A0=80?=",
                b" ",
                b"--b--\r\n",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_any_octets_have_a_summary_that_can_be_stored(raw: bytes) -> None:
    dumps(summary(raw)).encode("utf-8")
