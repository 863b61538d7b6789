"""No sender can write into our Authentication-Results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.authres.reading import read_results
from postern.authres.writing import MAX_LENGTH, write_results, write_value
from postern.model import MethodResult, ResultWord


def test_a_plain_field() -> None:
    methods = [
        MethodResult("iprev", ResultWord.PASS, "", (("policy.iprev", "2001:db8::1"),)),
        MethodResult("spf", ResultWord.PASS, "", (("smtp.mailfrom", "bob@example.com"),)),
        MethodResult("dkim", ResultWord.FAIL, "the body hash did not verify", (("header.d", "example.com"),)),
    ]
    assert write_results("mx.example", methods) == (
        'mx.example; iprev=pass policy.iprev="2001:db8::1"; spf=pass smtp.mailfrom=bob@example.com; '
        'dkim=fail reason="the body hash did not verify" header.d=example.com'
    )


def test_nothing_tried_is_said() -> None:
    assert write_results("mx.example", []) == "mx.example; none"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("example.com", "example.com"),
        ("@example.com", "@example.com"),
        ("bob+tag=x@example.com", "bob+tag=x@example.com"),
        ("a;b", '"a;b"'),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("x (comment)", '"x (comment)"'),
        ('"a b"@example.com', '"\\"a b\\"@example.com"'),
    ],
)
def test_values_are_quoted_where_needed(value: str, written: str) -> None:
    assert write_value(value) == written


@pytest.mark.parametrize(
    "value",
    ["a\r\nX-Injected: 1", "a\0b", "\x1b[31m", "é", "x" * 400, "\udc80"],
)
def test_what_cannot_be_quoted_is_left_out(value: str) -> None:
    method = MethodResult("dkim", ResultWord.PASS, "", (("header.s", value), ("header.d", "example.com")))
    assert write_results("mx.example", [method]) == "mx.example; dkim=pass header.d=example.com"


def test_of_an_unprintable_local_part_the_domain_remains() -> None:
    method = MethodResult("spf", ResultWord.NONE, "", (("smtp.mailfrom", "a\r\nb@example.com"),))
    assert write_results("mx.example", [method]) == "mx.example; spf=none smtp.mailfrom=@example.com"


def test_a_property_that_is_none_is_left_out() -> None:
    method = MethodResult("spf", ResultWord.NONE, "", (("smtp.mail from=x; dkim", "pass"), ("nodot", "x")))
    assert write_results("mx.example", [method]) == "mx.example; spf=none"


def test_the_length_is_bounded() -> None:
    methods = [MethodResult("dkim", ResultWord.PASS, "", (("header.i", "x" * 300),))] * 500
    assert len(write_results("mx.example", methods)) <= MAX_LENGTH


@given(reason=st.text(max_size=80), value=st.text(max_size=80))
def test_whatever_a_sender_writes_the_results_are_ours(reason: str, value: str) -> None:
    methods = [
        MethodResult("spf", ResultWord.FAIL, reason, (("smtp.mailfrom", value), ("smtp.helo", value))),
        MethodResult("dkim", ResultWord.NONE),
    ]
    text = write_results("mx.example", methods)
    read = read_results(text)
    assert read is not None
    assert [(one.method, one.result) for one in read.results] == [("spf", "fail"), ("dkim", "none")]
    assert text.isascii()
    assert text.isprintable()
