"""Authentication-Results is read as it occurs, and never with an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.authres.reading import MAX_LENGTH, MAX_RESULTS, ReadProperty, read_results
from postern.authres.writing import write_results
from postern.model import MethodResult, ResultWord


def test_comments_folds_and_quotes_are_seen_through() -> None:
    read = read_results(
        '(here (nested)) mx.example (our id) 1 ;\r\n\tspf (v) / 1 = pass (why\\)) reason = "said; so"'
        '\r\n smtp . mailfrom = "a b"@example.net (tail)'
    )
    assert read is not None
    assert (read.authserv_id, read.version) == ("mx.example", 1)
    (spf,) = read.results
    assert (spf.method, spf.version, spf.result, spf.reason) == ("spf", 1, "pass", "said; so")
    assert spf.properties == (ReadProperty("smtp", "mailfrom", "a b@example.net"),)
    assert spf.value("SMTP", "MailFrom") == "a b@example.net"
    assert spf.value("smtp", "helo") is None


@pytest.mark.parametrize("text", ["mx.example; none", "mx.example ; none (nothing was tried)", "mx.example"])
def test_no_result(text: str) -> None:
    read = read_results(text)
    assert read is not None
    assert read.results == ()


def test_an_arc_instance_is_kept() -> None:
    read = read_results("i=3; lists.example; dkim=pass header.d=example.com")
    assert read is not None
    assert (read.instance, read.authserv_id) == (3, "lists.example")


@pytest.mark.parametrize(
    "text", ["", ";", "(", "a; b", "a; b=c (", 'a; b=c d.e="x', "a; none; b=c", "x" * (MAX_LENGTH + 1)]
)
def test_what_cannot_be_read_is_none(text: str) -> None:
    assert read_results(text) is None


def test_results_are_bounded() -> None:
    read = read_results("mx.example" + "; spf=pass" * (MAX_RESULTS + 50))
    assert read is not None
    assert len(read.results) == MAX_RESULTS


@pytest.mark.parametrize("text", ["(" * 60_000, '"' * 60_000, "a; b=" + "c " * 20_000, "a;" * 30_000, "\\" * 60_000])
def test_hostile_lengths_take_linear_time(text: str) -> None:
    read_results(text)


@given(st.text(alphabet='ab.=;/"()\\ \r\n01@', max_size=60))
def test_never_raises(text: str) -> None:
    read_results(text)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
def test_what_is_written_is_read_back(value: str) -> None:
    method = MethodResult("spf", ResultWord.FAIL, "because", (("smtp.mailfrom", value),))
    read = read_results(write_results("mx.example", [method]))
    assert read is not None
    (result,) = read.results
    assert result.value("smtp", "mailfrom") == value
