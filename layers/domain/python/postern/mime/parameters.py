"""Content-Type and Content-Disposition: a word and its parameters (RFC 2045 §5.1, RFC 2183, RFC 2231).

Senders write parameters in many wrong ways and mail readers accept most of them: blanks instead of semicolons,
values with blanks but without quotes, encoded words in quotes. Where two readers could understand two different
things, `value` is the likeliest and `readings` has them all, for a filter must judge every one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from postern.mime.charsets import decode_labelled
from postern.mime.encoded_words import decode_encoded_words
from postern.mime.limits import MAX_COMMENT_DEPTH, MAX_PARAMETERS, MAX_READINGS, MAX_STRUCTURED_BYTES

_SEGMENT = re.compile(r'(?:[^";]++|"(?:[^"\\]++|\\.|\\\Z)*+(?:"|\Z))++', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)', re.DOTALL)
_NEXT_PARAMETER = re.compile(r'(?<=\s)[^\s;="()<>@,/?]++\s*+=(?!\?)')
_SECTION = re.compile(r"\*([0-9]{1,9})(?=\*|\Z)")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_LINE_END = re.compile(r"\r?\n")
_COMMENT_TOKEN = re.compile(r'[^()"\\]++|\\.|.', re.DOTALL)
_BOUNDARY = "boundary"
_FILE_NAMES = frozenset({"filename", "name"})


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """One parameter: the likeliest value, its language (RFC 2231 §5), and all readings, likeliest first."""

    value: str
    language: str = ""
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StructuredValue:
    """`word` in lower case without comments (`text/plain`, `attachment`); parameters by lower-case name."""

    word: str
    parameters: dict[str, ParameterValue]

    def get(self, name: str, default: str = "") -> str:
        """The likeliest value of a parameter."""
        found = self.parameters.get(name)
        return default if found is None else found.value

    def readings(self, name: str) -> tuple[str, ...]:
        """All readings of a parameter, none when it is absent."""
        found = self.parameters.get(name)
        return () if found is None else found.readings


EMPTY = StructuredValue("", {})
"""The value of a field that is absent."""


class _Piece(NamedTuple):
    """One parameter as written; `section` and `extended` are RFC 2231's `*1` and final `*`."""

    name: str
    raw: str
    section: int | None
    extended: bool


def parse_structured(text: str) -> StructuredValue:
    """Read `text/plain; charset=utf-8`. Folds may stand in it; comments and blanks around the slash are dropped."""
    text = text[:MAX_STRUCTURED_BYTES]
    if text.lstrip().startswith("("):
        text = strip_comments(text)
    word, _, rest = text.partition(";")
    if "=" in word:
        early = _NEXT_PARAMETER.search(word)
        if early and word[: early.start()].strip():
            word, rest = word[: early.start()], text[early.start() :]
    word = "".join(strip_comments(word).split()).lower()
    return StructuredValue(word, _parameters(rest) if "=" in rest else {})


def strip_comments(text: str) -> str:
    """`text` without its comments (RFC 5322 §3.2.2), each replaced by a blank; an unclosed one is kept as text."""
    if "(" not in text:
        return text
    kept: list[str] = []
    opened: list[int] = []
    quoted = False
    for token in _COMMENT_TOKEN.findall(text):
        if token == '"' and not opened:
            quoted = not quoted
        elif token == "(" and not quoted and len(opened) < MAX_COMMENT_DEPTH:
            opened.append(len(kept))
        elif token == ")" and opened:
            start = opened.pop()
            if not opened:
                del kept[start:]
                kept.append(" ")
                continue
        kept.append(token)
    return "".join(kept)


def _parameters(rest: str) -> dict[str, ParameterValue]:
    """A name's RFC 2231 form wins over its plain one, the first plain one over later ones."""
    plain: dict[str, list[_Piece]] = {}
    extended: dict[str, list[_Piece]] = {}
    for piece in islice(_pieces(rest), MAX_PARAMETERS):
        kind = plain if piece.section is None and not piece.extended else extended
        kind.setdefault(piece.name, []).append(piece)
    found = {}
    for name in plain.keys() | extended.keys() if extended else plain:
        value, language = _extended_value(extended[name]) if name in extended else ("", "")
        readings = [value] if name in extended else []
        for piece in plain.get(name, ()):
            readings += _plain_readings(piece)
        distinct = tuple(dict.fromkeys(readings))[:MAX_READINGS]
        found[name] = ParameterValue(distinct[0], language, distinct)
    return found


def _pieces(rest: str) -> Iterator[_Piece]:
    for segment in _SEGMENT.finditer(rest):
        remaining = segment.group()
        while "=" in remaining:
            name, _, raw = remaining.partition("=")
            raw, remaining = _split_value(raw.lstrip())
            name = "".join(strip_comments(name).split()).lower()
            if raw and name.strip("*"):
                yield _piece(name, raw)


def _split_value(raw: str) -> tuple[str, str]:
    """The value, and what follows it where the semicolon was forgotten."""
    quoted = _QUOTED.match(raw)
    if quoted:
        return quoted.group(), raw[quoted.end() :]
    following = _NEXT_PARAMETER.search(raw)
    if following:
        return raw[: following.start()].rstrip(), raw[following.start() :]
    return raw.rstrip(), ""


def _piece(name: str, raw: str) -> _Piece:
    bare, star, _ = name.partition("*")
    if not star or not bare:
        return _Piece(name.strip("*"), raw, None, extended=False)
    section = _SECTION.match(name, len(bare))
    return _Piece(bare, raw, int(section.group(1)) if section else None, name.endswith("*"))


def _plain_readings(piece: _Piece) -> list[str]:
    if piece.name == _BOUNDARY:
        return [_unquoted(piece.raw)]
    quoted = _QUOTED.fullmatch(piece.raw)
    if quoted:
        inner = _LINE_END.sub("", quoted.group(1))
        likeliest = decode_encoded_words(_QUOTED_PAIR.sub(r"\1", inner))
        return [likeliest, inner] if "\\" in inner else [likeliest]
    raw = _LINE_END.sub("", piece.raw)
    if piece.name in _FILE_NAMES:
        return [decode_encoded_words(raw), raw.split()[0]] if len(raw.split()) > 1 else [decode_encoded_words(raw)]
    return [decode_encoded_words(strip_comments(raw).strip())]


def _extended_value(pieces: list[_Piece]) -> tuple[str, str]:
    """Sections in the order of their numbers; the first names charset and language (RFC 2231 §4.1)."""
    pieces = sorted(pieces, key=lambda piece: piece.section or 0)
    charset, language, octets = "", "", []
    for index, piece in enumerate(pieces):
        raw = _unquoted(piece.raw)
        if piece.extended and not index and raw.count("'") >= 2:
            charset, language, raw = raw.split("'", 2)
        encoded = raw.encode("utf-8", "surrogatepass")
        octets.append(unquote_to_bytes(encoded) if piece.extended else encoded)
    return decode_labelled(b"".join(octets), charset).text, language


def _unquoted(raw: str) -> str:
    quoted = _QUOTED.fullmatch(raw)
    return _LINE_END.sub("", _QUOTED_PAIR.sub(r"\1", quoted.group(1)) if quoted else strip_comments(raw).strip())
