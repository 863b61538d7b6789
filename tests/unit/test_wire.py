"""The codec: values survive the way through JSON, and what is not of the shape is refused with its place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postern.evidence import SpfEvidence, SpfIdentity
from postern.model import CheckResult, Finding, Points, ResultWord, Session, TlsParameters
from postern.wire import WireError, clean_text, dumps, from_json, to_json, truncate

RESULT = CheckResult(
    "spf",
    ResultWord.SOFTFAIL,
    findings=(Finding("SPF_SOFTFAIL", "example.com", Points(100), ("ann@example.com",)),),
    evidence=SpfEvidence(SpfIdentity("example.com", ResultWord.SOFTFAIL)),
    properties={"mailfrom": {"domain": "example.com"}},
)


def test_a_result_with_evidence_survives() -> None:
    assert from_json(CheckResult, to_json(RESULT), evidence=SpfEvidence) == RESULT


def test_attributes_with_their_default_are_left_out() -> None:
    assert to_json(Finding("GTUBE")) == {"symbol": "GTUBE"}


def test_nested_records_and_optional_attributes_survive() -> None:
    session = Session("s1", "192.0.2.1", "mx.example", tls=TlsParameters("TLSv1.3", "AES"))
    assert from_json(Session, to_json(session)) == session


def test_times_are_written_in_utc_and_need_an_offset() -> None:
    assert to_json(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2026-01-02T03:04:00Z"
    with pytest.raises(WireError, match="offset"):
        from_json(datetime, "2026-01-02T03:04:00")


def test_octets_that_were_not_utf8_are_written_readably() -> None:
    assert clean_text(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\\xe9"
    dumps({"detail": "\ud800"}).encode("utf-8")


def test_a_cut_text_says_so() -> None:
    assert truncate("abcdef", 4) == "abc…"
    assert truncate("abc", 4) == "abc"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"symbol": 7}, "Finding.symbol"),
        ({"symbol": "A", "sum": 1}, "unknown attribute 'sum'"),
        ({}, "missing"),
        ([], "expected a map"),
        ({"symbol": "A", "recipients": "x"}, "Finding.recipients: expected a list"),
        ({"symbol": "A", "score": True}, "Finding.score"),
    ],
)
def test_other_shapes_are_refused_with_their_place(data: object, place: str) -> None:
    with pytest.raises(WireError, match=place.replace(".", r"\.")):
        from_json(Finding, data)


def test_a_word_outside_a_closed_set_is_refused() -> None:
    with pytest.raises(WireError, match="'perhaps' is not a ResultWord"):
        from_json(ResultWord, "perhaps")
