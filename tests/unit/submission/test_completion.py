"""What is completed in a header, and that every other octet stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.submission.completion import Completed, Completion, Facts, complete

FACTS = Facts(datetime(2026, 11, 22, 18, 0, tzinfo=UTC), "id@mx.example.com", "example.com")
DATE = b"Date: Sun, 22 Nov 2026 18:00:00 +0000\r\n"
MESSAGE_ID = b"Message-ID: <id@mx.example.com>\r\n"
BOTH = b"date : x\r\nMESSAGE-ID: <1@pc>\r\n"


@pytest.mark.parametrize(
    ("head", "completed"),
    [
        (b"Subject: x\r\n\r\n", DATE + MESSAGE_ID + b"Subject: x\r\n\r\n"),
        (b"Date: nonsense\r\n\r\n", MESSAGE_ID + b"Date: nonsense\r\n\r\n"),
        (b"Message-ID:\r\n\r\n", DATE + b"Message-ID:\r\n\r\n"),
        (BOTH + b"Resent-Date: x\r\n\r\n", BOTH + b"Resent-Date: x\r\n\r\n"),
        (b"\r\nbody", DATE + MESSAGE_ID + b"\r\nbody"),
        (b"body\r\n", DATE + MESSAGE_ID + b"\r\nbody\r\n"),
        (b"", DATE + MESSAGE_ID + b"\r\n"),
        (b"\r\n\r\nSubject: x\r\n\r\n", b"\r\n\r\n" + DATE + MESSAGE_ID + b"Subject: x\r\n\r\n"),
    ],
)
def test_missing_fields_stand_before_the_first(head: bytes, completed: bytes) -> None:
    assert complete(head, FACTS).head == completed


@pytest.mark.parametrize(
    ("author", "completed"),
    [
        (b"From: ann", b"From: ann@example.com"),
        (b"From:ann ", b"From:ann@example.com "),
        (b"FROM:\r\n ann", b"FROM:\r\n ann@example.com"),
        (b"From: Ann B. <ann.b>", b"From: Ann B. <ann.b@example.com>"),
        (b'From: "B, Ann" <ann>', b'From: "B, Ann" <ann@example.com>'),
        (b"From: =?utf-8?q?=C3=84nn?= <ann>", b"From: =?utf-8?q?=C3=84nn?= <ann@example.com>"),
    ],
)
def test_an_author_without_domain_gets_the_accounts(author: bytes, completed: bytes) -> None:
    made = complete(BOTH + author + b"\r\n\r\n", FACTS)
    assert made.head == BOTH + completed + b"\r\n\r\n"
    assert made.done == (Completed.AUTHOR_DOMAIN,)


@pytest.mark.parametrize(
    "author",
    [
        b"From: ann@example.com",
        b"From: Ann <ann@elsewhere.example>",
        b"From: Ann <>",
        b"From:",
        b"From: Ann B",
        b"From: ann, ben",
        b"From: <ann>, <ben>",
        b"From: Ann (home) <ann>",
        b"From: staff: ann;",
        b"From: <@route:ann>",
        b'From: "ann"',
        b"From: ann\r\nFrom: ben",
        b"Sender: ann",
    ],
)
def test_what_is_not_one_bare_word_is_left_alone(author: bytes) -> None:
    head = BOTH + author + b"\r\n\r\n"
    made = complete(head, FACTS)
    assert (made.head, made.done) == (head, ())


def test_a_header_without_end_is_left_alone_and_costs_little() -> None:
    head = b"a:\r\n" * 250_000 + b"\r\n"
    assert complete(head, FACTS) == Completion(head)
    long_author = BOTH + b"From: " + b"a." * 500_000 + b"\r\n\r\n"
    assert complete(long_author, FACTS) == Completion(long_author)


FIELDS = st.lists(
    st.sampled_from(
        [
            b"From: ann@x.example\r\n",
            b"Date: x\r\n",
            b"Message-Id: y\r\n",
            b"To: b\r\n z\r\n",
            b"junk\r\n",
            b"X:\xff\r\n",
        ]
    ),
    max_size=6,
).map(b"".join)


@given(FIELDS, st.binary(max_size=60))
def test_without_what_was_added_it_is_what_was_sent(header: bytes, body: bytes) -> None:
    head = header + b"\r\n" + body
    made = complete(head, FACTS)
    rest = made.head
    for field, what in ((DATE, Completed.DATE), (MESSAGE_ID, Completed.MESSAGE_ID)):
        assert rest.count(field) == (what in made.done) + head.count(field)
        rest = rest.replace(field, b"", 1) if what in made.done else rest
    assert Completed.AUTHOR_DOMAIN not in made.done
    assert rest in (head, b"\r\n" + head)
