"""A value becomes exactly one header field, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.header_lines import LINE_LENGTH, MAX_LINE_LENGTH, clean_value, encode_field
from postern.model import HeaderField


def test_a_short_field_is_one_line() -> None:
    assert encode_field(HeaderField("X-Spam-Flag", "YES")) == b"X-Spam-Flag: YES\r\n"


def test_a_long_field_is_folded_after_clauses_and_gives_back_its_value() -> None:
    value = "; ".join(f"method{number}=pass reason=word" for number in range(12))
    octets = encode_field(HeaderField("Authentication-Results", value))
    lines = octets.decode().split("\r\n")
    assert all(len(line) <= LINE_LENGTH for line in lines)
    assert all(line.endswith(";") for line in lines[:-2])
    assert "".join(lines) == f"Authentication-Results: {value}"


def test_several_blanks_survive_folding() -> None:
    value = '"' + "a  b   c" * 20 + '"'
    assert encode_field(HeaderField("X-Test", value)).replace(b"\r\n", b"").decode() == f"X-Test: {value}"


def test_a_word_without_end_is_cut() -> None:
    lines = encode_field(HeaderField("X-Test", "x" * 5000)).split(b"\r\n")
    assert max(map(len, lines)) <= MAX_LINE_LENGTH


@pytest.mark.parametrize("name", ["", "A B", "A:", "Ä", "A\r\nB"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header field name"):
        encode_field(HeaderField(name, "x"))


@given(st.text(max_size=300))
def test_whatever_the_value_one_field_comes_out(value: str) -> None:
    octets = encode_field(HeaderField("X-Test", value))
    assert octets.endswith(b"\r\n")
    head, *rest = octets[:-2].split(b"\r\n")
    assert head.startswith(b"X-Test:")
    assert all(line.startswith(b" ") and line.strip() for line in rest)
    assert all(byte in b"\r\n" or 32 <= byte < 127 for byte in octets)


def test_line_ends_become_blanks() -> None:
    assert clean_value("a\r\n\tb\0c\xe9") == "a b?c?"
