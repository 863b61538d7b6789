"""Features say what a message is, not when and through which mailbox it came."""

from __future__ import annotations

import numpy as np
import pytest

from postern.bayes.features import TRIGRAM_BITS, Features
from postern.bayes.fields import counted_fields
from postern.bayes.hashing import BREAK, run_of, slots, trigrams, unique_ids
from postern.bayes.organisations import first_address, organisation
from postern.bayes.words import WORD
from postern.message import parse_message
from tests.letters import letter, read

KINDS = ("content", "fields", "relations", "header_grams", "body_grams")


def same(one: Features, other: Features) -> bool:
    return all(np.array_equal(getattr(one, kind), getattr(other, kind)) for kind in KINDS)


def features(raw: bytes) -> Features:
    return read(raw)[1]


def test_the_same_message_always_has_the_same_features() -> None:
    assert same(features(letter(1, spam=True)), features(letter(1, spam=True)))
    assert not same(features(letter(1, spam=True)), features(letter(2, spam=True)))


@pytest.mark.parametrize(
    "added",
    [
        b"Date: Mon, 05 Jan 2026 12:00:00 +0000\r\n",
        b"List-Id: <x.example>\r\nPrecedence: bulk\r\n",
        b"X-Spam-Status: Yes, score=12\r\n",
        b"Delivered-To: ann@in.example\r\nReturn-Path: <p@x.example>\r\n",
        b"Authentication-Results: in.example; spf=pass\r\n",
    ],
)
def test_dates_lists_and_mailboxes_leave_no_trace(added: bytes) -> None:
    assert same(features(letter(3, spam=False)), features(added + letter(3, spam=False)))


def test_the_date_of_a_hop_leaves_no_trace() -> None:
    raw = letter(4, spam=False)
    assert same(features(raw), features(raw.replace(b"Mon, 5 Jan 2026", b"Tue, 9 Mar 1999")))


def test_line_ends_leave_no_trace() -> None:
    raw = letter(5, spam=True)
    assert np.array_equal(features(raw).content, features(raw.replace(b"\r\n", b"\n")).content)
    assert np.array_equal(features(raw).relations, features(raw.replace(b"\r\n", b"\n")).relations)


def test_numbers_are_sorted_and_occur_once() -> None:
    found = features(letter(6, spam=True) * 3)
    for kind in KINDS:
        numbers = getattr(found, kind).astype(np.int64)
        assert (np.diff(numbers) > 0).all(), kind


def test_relations_tell_an_author_who_is_not_from_here() -> None:
    def relations(raw: bytes) -> set[bytes]:
        return set(features(raw).runs[-1].tokens)

    home = relations(letter(7, spam=False))
    away = relations(letter(7, spam=False).replace(b"From: Person", b"From: x@other.example,"))
    assert b"=author identifier same" in home
    assert b"=author identifier other" in away


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"Subject",
        b"Subject: =?utf-8?b?////?=\n\n\xff\xfe\x00",
        b"From: " + b"@" * 5_000 + b"\nTo: " + b"<" * 5_000 + b"\n\n" + b"\x80" * 9_000,
        b"Received: from " * 3_000 + b"\n\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n" * 500,
        b"\n" + b"word " * 200_000,
        b"Content-Type: text/html\n\n" + b"<a href='http://x.test/%s'>y" * 10_000,
    ],
    ids=range(9),
)
def test_anything_has_features_and_they_are_bounded(raw: bytes) -> None:
    found = features(raw)
    assert max(len(getattr(found, kind)) for kind in KINDS) < 12_000
    assert found.header_grams.max(initial=0) < 1 << TRIGRAM_BITS


def test_words_keep_what_spam_is_known_by() -> None:
    assert WORD.findall(b"Don't pay $99.95 - FREE!!! v1agra.example >>>> a_b") == [
        b"Don't", b"pay", b"$", b"99.95", b"FREE", b"!!!", b"v1agra.example", b">>>>", b"a_b",
    ]  # fmt: skip


def test_pairs_depend_on_order_and_end_at_breaks() -> None:
    run = run_of([b"a", b"b", b"a", BREAK, b"b"], paired=True)
    assert len(set(run.pair_ids[:2].tolist())) == 2
    assert run.pair_ids[2:].tolist() == [0, 0]
    assert len(unique_ids([run])) == 4


def test_places_lie_within_their_table() -> None:
    assert slots(np.array([0xFFFFFFFF], dtype=np.uint32), 20)[0] == (1 << 20) - 1
    assert len(trigrams(b"abcabc", TRIGRAM_BITS)) == 3
    assert len(trigrams(b"ab", TRIGRAM_BITS)) == 0


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mx.mail.example.com", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("Example.DE.", "example.de"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_organisations(host: str, expected: str) -> None:
    assert organisation(host) == expected


def test_the_first_address_of_a_field() -> None:
    assert first_address('"Ann, B." <Ann@Example.ORG>, c@d.example') == ("ann@example.org", "example.org")
    assert first_address("nobody") == ("", "")


def test_received_counts_without_its_date() -> None:
    message = parse_message(b"Received: from a by b; Mon, 5 Jan 2026 12:00:00 +0000\nDate: x\nX-Spam-Flag: YES\n\n")
    assert [(field.key, field.value) for field in counted_fields(message)] == [(b"received", b"from a by b")]
