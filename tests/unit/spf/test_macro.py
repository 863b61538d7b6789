"""Macro strings: what the grammar allows and what transformers do (RFC 7208 §7)."""

from __future__ import annotations

import pytest

from postern.spf.macro import (
    DOMAIN_LETTERS,
    MAX_VALUE_LENGTH,
    MacroError,
    parse_domain_spec,
    parse_macro_string,
)

VALUES = {
    "s": "strong-bad@email.example.com",
    "o": "email.example.com",
    "d": "email.example.com",
    "l": "strong-bad",
    "i": "192.0.2.3",
    "v": "in-addr",
    "p": "unknown",
    "h": "Häuser & co",
}

# The examples of RFC 7208 §7.4, and what they leave out.
EXPANSIONS = [
    ("%{s}", "strong-bad@email.example.com"),
    ("%{d4}", "email.example.com"),
    ("%{d3}", "email.example.com"),
    ("%{d2}", "example.com"),
    ("%{d1}", "com"),
    ("%{dr}", "com.example.email"),
    ("%{d2r}", "example.email"),
    ("%{l}", "strong-bad"),
    ("%{l-}", "strong.bad"),
    ("%{lr}", "strong-bad"),
    ("%{lr-}", "bad.strong"),
    ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{D2R}", "example.email"),
    ("%{L}", "strong-bad"),
    ("%{H}", "H%C3%A4user%20%26%20co"),
    ("%{d007}", "email.example.com"),
    ("%{d99999999999}", "email.example.com"),
    ("%%%_%-", "% %20"),
]


@pytest.mark.parametrize(("text", "expected"), EXPANSIONS)
def test_expansion(text: str, expected: str) -> None:
    assert parse_macro_string(text).expand(VALUES.__getitem__) == expected


@pytest.mark.parametrize(
    "text", ["%", "%a", "%{", "%{d", "%{dx}", "%{d0}", "%{d00}", "%{2d}", "%{d-r}", "a b", "\x00", "é"]
)
def test_what_is_no_macro_string(text: str) -> None:
    with pytest.raises(MacroError):
        parse_macro_string(text)


def test_explanation_letters_cannot_stand_in_a_domain() -> None:
    with pytest.raises(MacroError, match="'c' cannot stand here"):
        parse_macro_string("%{c}.example.com", DOMAIN_LETTERS)


def test_only_an_explanation_holds_blanks() -> None:
    assert parse_macro_string("not from %{i}", spaces=True).expand(VALUES.__getitem__) == "not from 192.0.2.3"


@pytest.mark.parametrize(
    "text", ["example.com", "example.com.", "%{d}", "a.%{h}", "_spf.%{d2}", "a:b/c.xn--p1ai", "x.1a", "x.%%.y"]
)
def test_domain_specs(text: str) -> None:
    assert parse_domain_spec(text).pieces


@pytest.mark.parametrize(
    "text", ["", "com", "com.", ".", "example.", "a.123", "a.-com", "a.com-", "%{d}com", "a.c_m", "a.com:25", "a.%(d)"]
)
def test_what_is_no_domain_spec(text: str) -> None:
    with pytest.raises(MacroError):
        parse_domain_spec(text)


def test_a_value_is_bounded_however_long_the_address() -> None:
    spec = parse_macro_string("%{l}" * 3)
    assert len(spec.expand(lambda _letter: "x" * 100_000)) == 3 * MAX_VALUE_LENGTH
