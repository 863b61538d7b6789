"""Parameters: the forms of the RFCs, the forms in the wild, and every reading of an ambiguous one."""

from __future__ import annotations

import pytest

from postern.mime.limits import MAX_PARAMETERS
from postern.mime.parameters import parse_structured, strip_comments


@pytest.mark.parametrize(
    ("text", "word", "parameters"),
    [
        ("text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ("TEXT / Plain ; Charset = UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('a/b; c="d;e\\"f"', "a/b", {"c": 'd;e"f'}),
        ("(x;y) a (z) / b; c=d (e)", "a/b", {"c": "d"}),
        ("a/b c=d\r\n e=f", "a/b", {"c": "d", "e": "f"}),
        ('a/b; c="d" e="f"', "a/b", {"c": "d", "e": "f"}),
        ('a/b; c="unclosed; d=e', "a/b", {"c": "unclosed; d=e"}),
        ("a/b;;; = ;x=;c=d;", "a/b", {"c": "d"}),
        ("a/b; title*=us-ascii'en'a%20b", "a/b", {"title": "a b"}),
        ('a/b; n*1="two"; n*0="one "', "a/b", {"n": "one two"}),
        ("a/b; n*0*=utf-8''caf%C3; n*1*=%A9.exe", "a/b", {"n": "café.exe"}),
        ("a/b; n*0*=iso-8859-1''%e9; n*1=%e9", "a/b", {"n": "é%e9"}),
        ("a/b; boundary==?utf-8?q?x?=", "a/b", {"boundary": "=?utf-8?q?x?="}),
        ("", "", {}),
        ("name=value", "name=value", {}),
    ],
)
def test_forms(text: str, word: str, parameters: dict[str, str]) -> None:
    found = parse_structured(text)
    assert found.word == word
    assert {name: one.value for name, one in found.parameters.items()} == parameters


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ('attachment; filename="a.txt"', ("a.txt",)),
        ('attachment; filename="a.txt"; filename="b.exe"', ("a.txt", "b.exe")),
        ("attachment; filename=\"a.txt\"; filename*=utf-8''b.exe", ("b.exe", "a.txt")),
        ("attachment; filename=your bill.exe", ("your bill.exe", "your")),
        ('attachment; filename="C:\\temp\\a.exe"', ("C:tempa.exe", "C:\\temp\\a.exe")),
        ('attachment; filename="=?utf-8?q?a=2Eexe?="', ("a.exe",)),
        ("attachment; filename==?utf-8?q?a=2Eexe?=", ("a.exe",)),
        ("attachment", ()),
    ],
)
def test_every_name_a_reader_might_show(text: str, readings: tuple[str, ...]) -> None:
    assert parse_structured(text).readings("filename") == readings


def test_the_language_of_an_extended_parameter_is_kept() -> None:
    assert parse_structured("a/b; t*0*=utf-8'en-GB'x; t*1=y").parameters["t"].language == "en-GB"


def test_parameters_are_bounded() -> None:
    many = "".join(f";p{number}=1" for number in range(MAX_PARAMETERS * 2))
    assert len(parse_structured("a/b" + many).parameters) == MAX_PARAMETERS


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("a (b) c", "a   c"),
        ("a (b (c) d) e", "a   e"),
        ('a "(b)" c', 'a "(b)" c'),
        ("a (b", "a (b"),
        ("a) b", "a) b"),
        ("a (b\\)c) d", "a   d"),
    ],
)
def test_comments(text: str, stripped: str) -> None:
    assert strip_comments(text) == stripped
