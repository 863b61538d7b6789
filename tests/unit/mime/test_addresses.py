"""Address lists as mailers write them; the forms of RFC 5322 and worse."""

from __future__ import annotations

import pytest

from postern.mime.address_tokens import tokenize
from postern.mime.addresses import parse_address_groups, parse_address_list
from postern.mime.limits import MAX_ADDRESSES


@pytest.mark.parametrize(
    ("text", "mailboxes"),
    [
        ("ann@example.com", [("", "ann", "example.com")]),
        ("Ann <ann@example.com>", [("Ann", "ann", "example.com")]),
        ('"Ann, B." <ann@example.com>', [("Ann, B.", "ann", "example.com")]),
        ("ann@example.com (Ann)", [("Ann", "ann", "example.com")]),
        ("<ann@example.com>, bob@example.com", [("", "ann", "example.com"), ("", "bob", "example.com")]),
        ("ann@example.com; bob@example.com", [("", "ann", "example.com"), ("", "bob", "example.com")]),
        ("=?utf-8?q?Doe=2C_John?= <j@d.com>", [("Doe, John", "j", "d.com")]),
        ("=?utf-8?q?Doe,_John?= <j@d.com>", [("Doe, John", "j", "d.com")]),
        ('"=?utf-8?q?caf=C3=A9?=" <c@d.com>', [("café", "c", "d.com")]),
        ("Ann <@a.com,@b.com:ann@c.com>", [("Ann", "ann", "c.com")]),
        ('"a b"@c.com', [("", '"a b"', "c.com")]),
        ("Ann Lee ann@example.com", [("Ann Lee", "ann", "example.com")]),
        ("ann @ example . com", [("", "ann", "example.com")]),
        ("Ann <ann@example.com", [("Ann", "ann", "example.com")]),
        ('"Ann <ann@example.com>', [('"Ann', "ann", "example.com")]),
        ("Ann (unclosed <ann@example.com>", [("Ann (unclosed", "ann", "example.com")]),
        ("a@b@c.com", [("", "a@b", "c.com")]),
        ("root", [("", "root", "")]),
        ("undisclosed recipients", [("undisclosed recipients", "", "")]),
        ("<>", []),
        (" , ;", []),
        ("", []),
    ],
)
def test_lists(text: str, mailboxes: list[tuple[str, str, str]]) -> None:
    assert [(one.display_name, one.local_part, one.domain) for one in parse_address_list(text)] == mailboxes


def test_groups_keep_their_names_and_lists_do_not() -> None:
    text = "Team: a@x.com, b@x.com; c@x.com"
    assert [(group.name, len(group.mailboxes)) for group in parse_address_groups(text)] == [("Team", 2), (None, 1)]
    assert [one.address for one in parse_address_list(text)] == ["a@x.com", "b@x.com", "c@x.com"]


def test_an_empty_group_is_a_group() -> None:
    (group,) = parse_address_groups("undisclosed-recipients:;")
    assert (group.name, group.mailboxes) == ("undisclosed-recipients", ())


def test_addresses_are_bounded() -> None:
    assert len(parse_address_list("a@b.c," * (MAX_ADDRESSES + 50))) == MAX_ADDRESSES


@pytest.mark.parametrize("text", ['a "b\\"c" (d (e)) <f@g> =?utf-8?q?h?= "i', "((((", '"""', "\\", "a\\", ")(", "=?=?"])
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokenize(text)) == text
