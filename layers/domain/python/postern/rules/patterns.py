"""Perl's regular expression literals, translated for `regex` and compiled to time-limited matchers over octets.

PatternError    a literal that cannot be read or compiled; the text says why
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import regex

SECONDS_PER_SEARCH = 0.05
MAX_PATTERN_LENGTH = 250_000
_CLOSING = {"{": "}", "(": ")", "[": "]", "<": ">"}
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE}
_IGNORED_FLAGS = frozenset("gcoaulpn")
_LITERAL = re.compile(r"(?:m|qr)?(?P<open>[^\w\s\\])")
_QUANTIFIER = re.compile(r"\{(?:\d+(?:,\d*)?|,\d+)\}")
_INLINE_FLAGS = re.compile(r"\(\?\^?([a-z]*(?:-[a-z]+)?)\)")
_CODE = re.compile(r"\(\?\??\{")
_WIDE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_ESCAPES = {"z": r"\Z", "Z": r"(?=\n?\Z)", "h": r"[ \t]", "H": r"[^ \t]", "e": r"\x1b", "v": r"[\n-\r]", "N": r"[^\n]"}
_CLASS_ESCAPES = {"h": r" \t", "e": r"\x1b", "v": r"\n-\r"}
_KEPT = frozenset("AabBcdDfgGkKnrRsStuwWxX0123456789")
_TEMPLATE = re.compile(r"(?<!\\)%\{([A-Z][A-Z0-9_]*)\}")


class PatternError(ValueError):
    """A pattern that is not one."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern in the syntax of `regex` with its flags; `templates` names the captures it needs filled in."""

    text: str
    flags: str
    templates: tuple[str, ...] = ()

    def compile(self, captured: dict[str, list[bytes]] | None = None) -> Any:
        """The compiled pattern; `captured` gives what its templates stand for. Raises `PatternError`."""
        octets = self.text.encode("utf-8", "surrogateescape")
        for name in self.templates:
            values = b"|".join(re.escape(one) for one in (captured or {}).get(name, ()))
            octets = octets.replace(b"%{" + name.encode() + b"}", b"(?:" + values + b")")
        try:
            return regex.compile(octets, _flag_bits(self.flags) | regex.VERSION0)
        except (regex.error, ValueError, RecursionError, OverflowError) as wrong:
            raise PatternError(f"the pattern cannot be compiled: {wrong}") from wrong

    def compile_text(self) -> Any:
        """The pattern for text instead of octets, templates left out. Raises `PatternError`."""
        try:
            return regex.compile(self.text, _flag_bits(self.flags) | regex.VERSION0)
        except (regex.error, ValueError, RecursionError, OverflowError) as wrong:
            raise PatternError(f"the pattern cannot be compiled: {wrong}") from wrong

    @property
    def captures(self) -> bool:
        """Whether it has a named group that other rules may use (`%{NAME}`): its name begins with a capital."""
        return re.search(r"\(\?P?<[A-Z]", self.text) is not None


def read_pattern(literal: str) -> Pattern:
    """The pattern of a literal such as `/free money/i` or `m{^https?://}i`. Raises `PatternError`."""
    text, flags = split_literal(literal)
    if _CODE.search(text):
        raise PatternError("code in a pattern is not run")
    kept = "".join(sorted(set(flags) & set(_FLAGS)))
    translated = _Translator(text, "x" in flags).translate()
    return Pattern(translated, kept, tuple(dict.fromkeys(_TEMPLATE.findall(text))))


def split_literal(literal: str) -> tuple[str, str]:
    """The pattern and the flags of a literal. Raises `PatternError`."""
    text = literal.strip()
    begins = _LITERAL.match(text)
    if begins is None or len(text) > MAX_PATTERN_LENGTH:
        raise PatternError("expected a pattern such as /text/i or m{text}i")
    delimiter = begins["open"]
    closing = _CLOSING.get(delimiter, delimiter)
    end = text.rfind(closing)
    if end < begins.end():
        raise PatternError(f"the pattern has no closing {closing}")
    flags = text[end + 1 :].strip()
    if unknown := set(flags) - set(_FLAGS) - _IGNORED_FLAGS:
        raise PatternError(f"unknown flag {sorted(unknown)[0]!r} after the pattern")
    pattern = text[begins.end() : end]
    return (pattern.replace(f"\\{delimiter}", delimiter) if delimiter in "/#" else pattern), flags


class _Translator:
    """One pass over a Perl pattern. What Perl and `regex` read differently is rewritten, the rest is kept."""

    def __init__(self, text: str, verbose: bool) -> None:
        self._text = text
        self._verbose = verbose
        self._at = 0
        self._out: list[str] = []
        self._inline: list[str] = [""]
        """Flags set by `(?i)` within each open group: they hold to the end of the group, over its alternatives."""

    def translate(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        self._out.append(")" if self._inline[0] else "")
        return "".join(self._out)

    def _step(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == "[":
            self._class()
        elif character == "(":
            self._open()
        elif character in "|)":
            self._alternative(character)
        elif character == "{":
            self._brace()
        elif character == "#" and self._verbose:
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
        else:
            self._keep(1)

    def _keep(self, length: int) -> None:
        self._out.append(self._text[self._at : self._at + length])
        self._at += length

    def _put(self, text: str, length: int) -> None:
        self._out.append(text)
        self._at += length

    def _escape(self) -> None:
        wide = _WIDE.match(self._text, self._at)
        if wide:
            return self._put(_wide(wide[1]), len(wide[0]))
        follower = self._text[self._at + 1 : self._at + 2]
        if follower == "Q":
            end = self._text.find("\\E", self._at)
            quoted = self._text[self._at + 2 : end if end >= 0 else None]
            return self._put(re.escape(quoted), len(quoted) + (4 if end >= 0 else 2))
        if follower in _ESCAPES:
            return self._put(_ESCAPES[follower], 2)
        if follower.isascii() and follower.isalnum() and follower not in _KEPT:
            return self._put(follower if follower != "E" else "", 2)
        return self._keep(2)

    def _class(self) -> None:
        """A character class: what looks like a set operation to `regex` is escaped."""
        self._keep(1)
        if self._text.startswith("^", self._at):
            self._keep(1)
        first = True
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "]" and not first:
                return self._keep(1)
            first = False
            self._class_member(character)
        raise PatternError("a character class is not closed")

    def _class_member(self, character: str) -> None:
        if character == "\\":
            wide = _WIDE.match(self._text, self._at)
            follower = self._text[self._at + 1 : self._at + 2]
            if wide:
                self._put(_wide(wide[1]), len(wide[0]))
            elif follower in _CLASS_ESCAPES:
                self._put(_CLASS_ESCAPES[follower], 2)
            elif follower.isascii() and follower.isalpha() and follower not in _KEPT:
                self._put(follower, 2)
            else:
                self._keep(2)
        elif character == "[" and self._text.startswith("[:", self._at) and ":]" in self._text[self._at :]:
            self._keep(self._text.index(":]", self._at) + 2 - self._at)
        elif character in "[&|~]":
            self._put("\\" + character, 1)
        else:
            self._keep(1)

    def _open(self) -> None:
        flags = _INLINE_FLAGS.match(self._text, self._at)
        if flags:
            kept = re.sub(r"[^imsx-]", "", flags[1]).strip("-") if "-" not in flags[1] else flags[1]
            self._put(f"(?{kept}:" if kept else "(?:", len(flags[0]))
            self._out.append("")
            if self._inline[-1]:
                self._out[-2] = ")" + self._out[-2]
            self._inline[-1] = kept or ":"
            return
        comment = self._text.startswith("(?#", self._at)
        if comment:
            end = self._text.find(")", self._at)
            self._at = len(self._text) if end < 0 else end + 1
            return
        self._inline.append("")
        self._keep(1)

    def _alternative(self, character: str) -> None:
        inline = self._inline[-1]
        if inline:
            reopened = "(?:" if inline == ":" else f"(?{inline}:"
            self._put(f")|{reopened}" if character == "|" else "))", 1)
        else:
            self._keep(1)
        if character == ")":
            if len(self._inline) == 1:
                raise PatternError("a parenthesis is closed that was not opened")
            self._inline.pop()

    def _brace(self) -> None:
        quantifier = _QUANTIFIER.match(self._text, self._at)
        if quantifier:
            self._keep(len(quantifier[0]))
        elif self._out and self._out[-1].endswith("%"):
            self._keep(1)
        else:
            self._put("\\{", 1)


def _wide(digits: str) -> str:
    value = int(digits, 16)
    if value <= 0xFF:
        return f"\\x{value:02x}"
    if value > 0x10FFFF:
        raise PatternError(f"\\x{{{digits}}} is no character")
    return "".join(f"\\x{octet:02x}" for octet in chr(value).encode("utf-8", "surrogatepass"))


def _flag_bits(flags: str) -> int:
    bits = 0
    for flag in flags:
        bits |= int(_FLAGS.get(flag, 0))
    return bits
