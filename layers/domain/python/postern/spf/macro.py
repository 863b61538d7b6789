"""Macro strings (RFC 7208 §7): parsed once into pieces, expanded with values that the caller looks up.

MacroError     a text that the grammar of §7.1 does not allow
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

DOMAIN_LETTERS = frozenset("slodiphv")
EXPLANATION_LETTERS = DOMAIN_LETTERS | frozenset("crt")
MAX_VALUE_LENGTH = 512
"""Characters of one macro's value: more than any address (RFC 5321 §4.5.3.1), so that a record cannot multiply it."""

_TOKEN = re.compile(
    r"%\{(?P<letter>[a-z])(?P<keep>[0-9]*)(?P<reverse>r?)(?P<delimiters>[-.+,/_=]*)\}"
    r"|(?P<escape>%[%_-])"
    r"|(?P<literal>[\x20-\x24\x26-\x7e]+)",
    re.IGNORECASE | re.ASCII,
)
_ESCAPES = {"%%": "%", "%_": " ", "%-": "%20"}
_KEEP_DIGITS = 4


class MacroError(ValueError):
    """A macro string that is not one."""


@dataclass(frozen=True, slots=True)
class Macro:
    """One `%{…}`: `keep` is how many right-hand parts are used (0: all), `escaped` asks for URL escapes."""

    letter: str
    keep: int = 0
    reverse: bool = False
    delimiters: str = ""
    escaped: bool = False

    def transform(self, value: str) -> str:
        """`value` split, reversed, cut and escaped as the macro says (§7.3)."""
        value = value[:MAX_VALUE_LENGTH]
        if self.keep or self.reverse or self.delimiters:
            parts = re.split(f"[{re.escape(self.delimiters or '.')}]", value)
            parts = parts[::-1] if self.reverse else parts
            value = ".".join(parts[-self.keep :] if self.keep else parts)
        return quote(value, safe="", errors="replace") if self.escaped else value


@dataclass(frozen=True, slots=True)
class MacroString:
    """Literal text and macros in their order."""

    pieces: tuple[str | Macro, ...]

    def expand(self, value_of: Callable[[str], str]) -> str:
        """The text, with each macro replaced by its transformed value; `value_of` is given the lower-case letter."""
        return "".join(
            piece if isinstance(piece, str) else piece.transform(value_of(piece.letter)) for piece in self.pieces
        )

    def uses(self, letter: str) -> bool:
        """Whether the macro of that lower-case letter occurs."""
        return any(isinstance(piece, Macro) and piece.letter == letter for piece in self.pieces)


def parse_macro_string(
    text: str, letters: frozenset[str] = EXPLANATION_LETTERS, *, spaces: bool = False
) -> MacroString:
    """The pieces of `text`; only explanation texts may hold `spaces`. Raises `MacroError`."""
    pieces: list[str | Macro] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise MacroError(f"unexpected {text[position]!r} at character {position + 1} of {text[:80]!r}")
        pieces.append(_read_piece(token, letters, spaces))
        position = token.end()
    return MacroString(tuple(pieces))


def _read_piece(token: re.Match[str], letters: frozenset[str], spaces: bool) -> str | Macro:
    if token["escape"]:
        return _ESCAPES[token["escape"]]
    if token["literal"]:
        if not spaces and " " in token["literal"]:
            raise MacroError("a blank inside a term")
        return token["literal"]
    return _read_macro(token, letters)


def _read_macro(token: re.Match[str], letters: frozenset[str]) -> Macro:
    letter = token["letter"].lower()
    if letter not in letters:
        raise MacroError(f"macro letter {letter!r} cannot stand here")
    digits = token["keep"].lstrip("0")
    if token["keep"] and not digits:
        raise MacroError("a macro that keeps no part of its value")
    keep = int(digits[:_KEEP_DIGITS] or 0) if len(digits) <= _KEEP_DIGITS else MAX_VALUE_LENGTH
    return Macro(letter, keep, bool(token["reverse"]), token["delimiters"], token["letter"].isupper())


def parse_domain_spec(text: str) -> MacroString:
    """A domain-spec: a macro string that ends in a macro or in a top label (§7.1). Raises `MacroError`."""
    spec = parse_macro_string(text, DOMAIN_LETTERS)
    if not spec.pieces:
        raise MacroError("an empty domain")
    if not _ends_in_macro(text) and not _ends_in_top_label(text):
        raise MacroError(f"{text[:80]!r} does not end in a domain")
    return spec


def _ends_in_macro(text: str) -> bool:
    *_, last = _TOKEN.finditer(text)
    return last.group().startswith("%")


def _ends_in_top_label(text: str) -> bool:
    tail = text[text.rfind("}") + 1 :].removesuffix(".")
    _, dot, label = tail.rpartition(".")
    return bool(dot) and is_top_label(label)


def is_top_label(label: str) -> bool:
    """Whether `label` can be the last of a domain: letters, digits and inner hyphens, not digits alone (§7.1)."""
    plain = label.isascii() and label.replace("-", "").isalnum()
    return plain and not label.isdigit() and not label.startswith("-") and not label.endswith("-")
