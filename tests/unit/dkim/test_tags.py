"""Tag lists are read strictly: what could be read in two ways is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.dkim.tags import MAX_TAGS, TagListError, colon_list, read_tag_list, without_blanks


def test_folds_and_blanks_around_names_and_values() -> None:
    assert read_tag_list(" a = 1 ;\r\n\tb=2 3;\r\n c = ;") == {"a": "1", "b": "2 3", "c": ""}


@pytest.mark.parametrize(
    "text",
    ["a=1;;b=2", "a", "=1", "1a=1", "a=1; a=2", "a b=1", "a=\0", "a=\x7f", ";a=1", "", ";".join("a" * 200)],
)
def test_what_is_no_tag_list(text: str) -> None:
    if text == "":
        assert read_tag_list(text) == {}
        return
    with pytest.raises(TagListError):
        read_tag_list(text)


def test_the_number_of_tags_is_bounded() -> None:
    with pytest.raises(TagListError, match="too many"):
        read_tag_list(";".join(f"a{number}=1" for number in range(MAX_TAGS + 1)))


def test_lists_and_blanks() -> None:
    assert colon_list(" From : To\r\n\t:x") == ("From", "To", "x")
    assert without_blanks(" a\r\n\tb c") == "abc"


@given(st.text(max_size=100))
def test_only_its_own_error_is_raised(text: str) -> None:
    with contextlib.suppress(TagListError):
        read_tag_list(text)
