"""Message identifiers."""

from __future__ import annotations

import pytest

from postern.mime.identifiers import MAX_IDENTIFIERS, parse_identifiers


@pytest.mark.parametrize(
    ("text", "identifiers"),
    [
        ("<a@b>", ("a@b",)),
        ("<a@b>\r\n <c@d>", ("a@b", "c@d")),
        ("bare@example.com", ("bare@example.com",)),
        ("two words", ()),
        ("<>", ()),
        ("< >", ()),
        ("", ()),
    ],
)
def test_identifiers(text: str, identifiers: tuple[str, ...]) -> None:
    assert parse_identifiers(text) == identifiers


def test_identifiers_are_bounded() -> None:
    assert len(parse_identifiers("<a@b>" * (MAX_IDENTIFIERS + 5))) == MAX_IDENTIFIERS
