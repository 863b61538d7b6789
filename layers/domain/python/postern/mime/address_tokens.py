"""The pieces an address list is made of (RFC 5322 §3.2): atoms, quoted strings, comments, encoded words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from postern.mime.limits import MAX_COMMENT_DEPTH

_ENCODED = r"(?P<encoded>=\?[^?\s=]{1,75}\?[BbQq]\?[^?]*+\?=)"
_QUOTED = r'(?P<quoted>"(?:[^"\\]++|\\.)*+")'
_REST = r"""(?P<blank>\s++)|(?P<special>[<>,;:])|(?P<opening>\()|(?P<atom>(?:[^\s<>,;:()"\\=]++|\\.|=(?!\?))++|.)"""
_TOKEN = re.compile(f"{_ENCODED}|{_QUOTED}|{_REST}", re.DOTALL)
_TOKEN_WITHOUT_QUOTES = re.compile(f"{_ENCODED}|{_REST}", re.DOTALL)
_IN_COMMENT = re.compile(r"(?:[^()\\]++|\\.)*+([()])", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


class TokenKind(StrEnum):
    """What a piece is."""

    ATOM = "atom"
    QUOTED = "quoted"
    ENCODED = "encoded"
    BLANK = "blank"
    COMMENT = "comment"
    SPECIAL = "special"


class Token(NamedTuple):
    """One piece of the text, as written."""

    kind: TokenKind
    text: str


def tokenize(text: str) -> Iterator[Token]:
    """All pieces in order; joined they are `text` again.

    A quote or parenthesis that never closes is an atom, and so are all later ones: whoever looks for the end of
    each of them anew takes quadratic time.
    """
    pattern, closed_comments, position = _TOKEN, True, 0
    while match := pattern.match(text, position):
        kind, end = match.lastgroup or "", match.end()
        if kind == "opening":
            kind = TokenKind.ATOM
            closing = _comment_end(text, end) if closed_comments else 0
            closed_comments = closing > 0
            if closing:
                kind, end = TokenKind.COMMENT, closing
        elif match.group() == '"':
            pattern = _TOKEN_WITHOUT_QUOTES
        yield Token(TokenKind(kind), text[position:end])
        position = end


def unquoted(text: str) -> str:
    """A quoted string or comment without its delimiters and backslashes."""
    return _QUOTED_PAIR.sub(r"\1", text[1:-1])


def _comment_end(text: str, position: int) -> int:
    """The offset after the comment that was opened before `position`; 0 when it never ends or nests too deep."""
    depth = 1
    while match := _IN_COMMENT.match(text, position):
        position = match.end()
        depth += 1 if match.group(1) == "(" else -1
        if not depth:
            return position
        if depth > MAX_COMMENT_DEPTH:
            break
    return 0
