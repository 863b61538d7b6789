"""Reading Authentication-Results and ARC-Authentication-Results, as they occur.

The grammar is RFC 8601 §2.2, and beyond it what large providers write: no authserv-id, or one after the first method;
underscores and dots in words; properties without a type or without a value. Time is linear in the length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 64 * 1024
MAX_RESULTS = 100
MAX_PROPERTIES = 50

_BLANKS = re.compile(r"[ \t\r\n]*+")
_COMMENT_STEP = re.compile(r"[^()\\]*+(?:\\.)*+", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_DIGITS = re.compile(r"[0-9]{1,9}+")
_INSTANCE = re.compile(r"i[ \t\r\n]*+=")
_IDENTIFIER = re.compile(r'[^ \t\r\n;()"=]++')
_METHOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9][A-Za-z0-9_-]*+)*+")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*+")
_NO_RESULT = re.compile(r"none(?=[ \t\r\n(]|\Z)")
_BARE_VALUE = re.compile(r'[^ \t\r\n;()"]++')


@dataclass(frozen=True, slots=True)
class ReadProperty:
    """`ptype.name=value`; `ptype` is empty where the writer left it out."""

    ptype: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What one method found, words as written."""

    method: str
    result: str
    reason: str = ""
    version: int = 1
    properties: tuple[ReadProperty, ...] = ()

    def value(self, ptype: str, name: str) -> str | None:
        """The value of the first such property."""
        wanted = (ptype.lower(), name.lower())
        found = (one.value for one in self.properties if (one.ptype.lower(), one.name.lower()) == wanted)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """A field that could be read. `instance` is that of an ARC set; `authserv_id` is empty where there is none."""

    authserv_id: str
    results: tuple[ReadResult, ...] = ()
    version: int = 1
    instance: int | None = None


def read_results(value: str) -> AuthenticationResults | None:
    """The field's value, folded or not; `None` when it cannot be read."""
    if len(value) > MAX_LENGTH:
        return None
    try:
        return _Reader(value).read()
    except _Malformed:
        return None


class _Malformed(Exception):  # noqa: N818 - never leaves this module
    """The text is not of the grammar."""


class _Reader:
    """One pass over one value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.authserv_id = ""
        self.results: list[ReadResult] = []

    def read(self) -> AuthenticationResults:
        self.skip_comments()
        instance = self.read_instance()
        self.authserv_id = self.read_authserv_id()
        version = self.read_version() if self.authserv_id else 1
        if self.authserv_id and not self.at_end():
            self.expect(";")
        self.read_all_results()
        if not self.authserv_id and not self.results:
            raise _Malformed
        return AuthenticationResults(self.authserv_id, tuple(self.results), version, instance)

    def read_instance(self) -> int | None:
        if not self.take(_INSTANCE):
            return None
        self.skip_comments()
        number = self.want(_DIGITS)
        self.skip_comments()
        self.expect(";")
        self.skip_comments()
        if self.at_end() or _INSTANCE.match(self.text, self.position):
            raise _Malformed
        return int(number)

    def read_authserv_id(self) -> str:
        """The identifier, or nothing when the text begins with a method."""
        start = self.position
        found = self.take_quoted()
        if found is None:
            found = self.want(_IDENTIFIER)
        self.skip_comments()
        if self.text.startswith("=", self.position):
            self.position = start
            return ""
        return found

    def read_version(self) -> int:
        number = self.take(_DIGITS)
        self.skip_comments()
        return int(number) if number else 1

    def read_all_results(self) -> None:
        while True:
            self.skip_comments()
            if self.at_end():
                return
            if self.take(_NO_RESULT):
                self.skip_comments()
                if self.results or not self.at_end():
                    raise _Malformed
                return
            self.read_result()
            if self.at_end():
                return
            self.expect(";")

    def read_result(self) -> None:
        name = self.want(_METHOD)
        self.skip_comments()
        if "." in name and self.text.startswith(";", self.position):
            self.authserv_id = self.authserv_id or name
            return
        version = 1
        if self.take_character("/"):
            self.skip_comments()
            version = int(self.want(_DIGITS))
            self.skip_comments()
        self.expect("=")
        self.skip_comments()
        result = self.want(_WORD)
        reason, properties = self.read_details()
        if len(self.results) < MAX_RESULTS:
            self.results.append(ReadResult(name, result, reason, version, properties))

    def read_details(self) -> tuple[str, tuple[ReadProperty, ...]]:
        reason = ""
        properties: list[ReadProperty] = []
        while True:
            self.skip_comments()
            if self.at_end() or self.text.startswith(";", self.position):
                return reason, tuple(properties)
            found = self.read_property()
            if found.ptype == "" and found.name.lower() == "reason" and found.value:
                reason = found.value
            elif found.ptype == "" and found.name.lower() == "reason":
                raise _Malformed
            elif len(properties) < MAX_PROPERTIES:
                properties.append(found)

    def read_property(self) -> ReadProperty:
        ptype, name = "", self.want(_WORD)
        self.skip_comments()
        if self.take_character("."):
            self.skip_comments()
            ptype, name = name, self.want(_WORD)
            self.skip_comments()
        self.expect("=")
        self.skip_comments()
        return ReadProperty(ptype, name, self.read_value())

    def read_value(self) -> str:
        """A token, a quoted string, an address whose local part may be quoted; empty only before a semicolon."""
        quoted = self.take_quoted()
        bare = self.take(_BARE_VALUE)
        if quoted is None and not bare and not self.text.startswith(";", self.position):
            raise _Malformed
        return (quoted or "") + bare

    # --- steps ---

    def at_end(self) -> bool:
        return self.position >= len(self.text)

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        if found is None:
            return ""
        self.position = found.end()
        return found[0]

    def want(self, pattern: re.Pattern[str]) -> str:
        found = self.take(pattern)
        if not found:
            raise _Malformed
        return found

    def take_character(self, character: str) -> bool:
        if not self.text.startswith(character, self.position):
            return False
        self.position += 1
        return True

    def expect(self, character: str) -> None:
        if not self.take_character(character):
            raise _Malformed

    def take_quoted(self) -> str | None:
        found = _QUOTED.match(self.text, self.position)
        if found is None:
            return None
        self.position = found.end()
        return _QUOTED_PAIR.sub(r"\1", found[1])

    def skip_comments(self) -> None:
        """Go past blanks and comments, nested ones included (CFWS, RFC 5322 §3.2.2)."""
        self.take(_BLANKS)
        while self.take_character("("):
            self._skip_comment()
            self.take(_BLANKS)

    def _skip_comment(self) -> None:
        depth = 1
        while depth:
            before = self.position
            self.take(_COMMENT_STEP)
            if self.take_character("("):
                depth += 1
            elif self.take_character(")"):
                depth -= 1
            elif self.position == before:
                raise _Malformed
