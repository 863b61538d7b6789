"""Tag lists, the syntax that signatures, key records and DMARC records share (RFC 6376 §3.2).

TagListError    a list that is not of the syntax; the text says why, without quoting what a sender wrote
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_TAGS = 100
"""Tags read from one list; the standards define less than twenty."""

_BLANKS = " \t\r\n"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*+")
_VALUE = re.compile(r"[\t\r\n\x20-\x3a\x3c-\x7e\x80-\U0010ffff]*+")
"""VALCHAR and folding blanks; beyond ASCII as RFC 8616 §4 allows."""
_FOLDING_BLANKS = re.compile(r"[ \t\r\n]++")


class TagListError(ValueError):
    """Text that is no tag list."""


def read_tag_list(text: str) -> Mapping[str, str]:
    """The tags by name, values without the blanks around them, in the order they are written.

    A name that occurs twice spoils the whole list (RFC 6376 §3.2). Raises `TagListError`.
    """
    specs = text.split(";", MAX_TAGS + 1)
    if not specs[-1].strip(_BLANKS):
        specs.pop()
    if len(specs) > MAX_TAGS:
        raise TagListError("too many tags")
    tags: dict[str, str] = {}
    for spec in specs:
        name, equals, value = spec.partition("=")
        name = name.strip(_BLANKS)
        if not equals or not _NAME.fullmatch(name):
            raise TagListError("not a list of tag=value")
        if not _VALUE.fullmatch(value):
            raise TagListError("a character that is not allowed")
        if name in tags:
            raise TagListError("a tag occurs twice")
        tags[name] = value.strip(_BLANKS)
    return tags


def without_blanks(value: str) -> str:
    """`value` without any blanks and folds, as base64 and names are read (RFC 6376 §2.10)."""
    return _FOLDING_BLANKS.sub("", value)


def colon_list(value: str) -> tuple[str, ...]:
    """The entries of a colon-separated list, without the blanks around them."""
    return tuple(entry.strip(_BLANKS) for entry in value.split(":"))
