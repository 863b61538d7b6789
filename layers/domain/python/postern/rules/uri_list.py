"""The URIs of a message as `uri` and `uri_detail` rules see them: those of the HTML, and those in the rendered text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from postern.rules.canonical_uris import canonical_forms
from postern.rules.domains import Domains
from postern.rules.rendering import Rendering

MAX_URIS = 1_000
MAX_URI_LENGTH = 8_192
_NBSP = "\xa0"
_END = rf"><\"`}}\]{{\[|\s\x1b{_NBSP}"
_END_OF_ADDRESS = rf"{_END},('\u0080-\U0010ffff"
_START = rf"><\"'`,{{\[(|\s\x1b{_NBSP}"
_BEFORE_BARE = r"[!\"#$&'()*+,/:;<=>?@\[\\\]^`{|}~\s\x1b\xa0]"
_WITH_SCHEME = rf"(?:(?:https?|ftp)://|(?:www\d{{0,2}}|ftp)\.)[^{_END}]{{1,2048}}"
_MAIL = rf"mailto:[^{_END_OF_ADDRESS}]{{1,2048}}|[^{_END_OF_ADDRESS}@]{{1,251}}@[^{_END_OF_ADDRESS}]{{1,251}}"
_BARE = rf"([a-z\d][a-z\d._-]{{0,251}}\.[a-z][a-z\d-]{{1,62}})\.?(?::\d{{1,5}})?(?:/[^{_END}]{{1,2048}})?"
_URI = re.compile(
    rf"(?:\b|(?<=[{_START}]))(?:({_WITH_SCHEME})(?=[{_END}]|\Z)|({_MAIL})(?=[{_END_OF_ADDRESS}]|\Z)"
    rf"|(?:\A|(?<={_BEFORE_BARE}))({_BARE})(?=[{_END}]|\Z))",
    re.IGNORECASE | re.ASCII,
)
_HINT = re.compile(r"[a-z0-9]\.[a-z0-9]|@|://", re.IGNORECASE)
_WITH_SIGN = re.compile(rf"(?<![^{_END}])[^{_END}.@:]*+[.@:][^{_END}]*+", re.ASCII)
"""A stretch that no URI reaches beyond, with one of the signs that every URI has; most words have none."""

_BEFORE_PARENTHESIS = re.compile(r"([^(]*)\)")
_NO_TARGET = re.compile(r"[cm]id:|\w+:/{0,2}\Z", re.IGNORECASE)
_MAIL_PREFIX = re.compile(r"\A(?:skype|e?-?mail)?:+", re.IGNORECASE)
_WWW = re.compile(r"www\d{0,2}\.")
_TRAILING = "-~!@#^&*()_+=:;'?,."


@dataclass(slots=True)
class UriInfo:
    """One URI: what names it (`a`, `img`, `parsed` for running text …), its forms, and the texts of its anchors."""

    types: set[str] = field(default_factory=set)
    cleaned: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)


class UriList:
    """The URIs of one message, worked out when first asked for."""

    def __init__(
        self, lines: Iterable[bytes], html: Iterable[Rendering], redirectors: Iterable[Any], domains: Domains
    ) -> None:
        self._lines = lines
        self._html = tuple(html)
        self._redirectors = tuple(redirectors)
        self._domains = domains
        self.truncated = any(one.uri_truncated for one in self._html)

    @cached_property
    def details(self) -> dict[str, UriInfo]:
        """By URI as written."""
        found: dict[str, UriInfo] = {}
        for uri, types in self._in_text():
            self._add(found, uri, types, must_be_valid=True)
        for rendering in self._html:
            for uri, detail in rendering.uris.items():
                info = self._add(found, uri, detail.types, must_be_valid=False)
                if info is not None:
                    info.anchors += dict.fromkeys(detail.anchors)
        return found

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """All forms of all URIs."""
        return tuple(dict.fromkeys(form for info in self.details.values() for form in info.cleaned))

    def _add(self, found: dict[str, UriInfo], uri: str, types: set[str], *, must_be_valid: bool) -> UriInfo | None:
        forms = [one[:MAX_URI_LENGTH] for one in canonical_forms(uri, self._redirectors, self._domains)]
        hosts = [host for form in forms if (host := self._domains.of_uri(form))]
        if (must_be_valid and not hosts) or len(found) >= MAX_URIS:
            return None
        info = found.setdefault(uri, UriInfo())
        info.types |= types
        info.cleaned = list(dict.fromkeys([*info.cleaned, *forms]))
        info.domains.update(domain for domain, _ in hosts)
        info.hosts.update(host for _, host in hosts)
        return info

    def _in_text(self) -> Iterator[tuple[str, set[str]]]:
        seen: set[str] = set()
        for line in self._lines:
            if b"." not in line:
                continue
            text = line.decode("utf-8", "replace")
            if not _HINT.search(text):
                continue
            for match in _matches(text):
                raw = match[1] or match[2] or match[3]
                if ")" in raw and (opened := _BEFORE_PARENTHESIS.match(raw)):
                    raw = opened[1]
                raw = raw.rstrip(_TRAILING)
                if raw in seen or len(seen) >= MAX_URIS:
                    continue
                seen.add(raw)
                if (match[2] and "@" not in raw) or (match[4] and not self._domains.is_valid(match[4])):
                    continue
                if not _NO_TARGET.match(raw):
                    yield from self._with_scheme(raw)

    def _with_scheme(self, raw: str) -> Iterator[tuple[str, set[str]]]:
        types = {"parsed"}
        uri = raw
        lower = raw.lower()
        if not lower.startswith(("http:", "https:", "ftp:", "mailto:")):
            types.add("schemeless")
            if lower.startswith("ftp."):
                uri = f"ftp://{raw}"
            elif _WWW.match(lower) or re.search(r"/.+@", raw):
                uri = f"http://{raw}"
            elif "@" in raw:
                if not re.search(r"@.+?\.", raw) or "&nbsp;" in raw:
                    return
                uri = "mailto:" + _MAIL_PREFIX.sub("", raw)
            elif "." in raw:
                uri = f"http://{raw}"
                types.add("unlinked")
            else:
                return
        if uri[:7].lower() == "mailto:":
            host = re.search(r"@([^?&>]*)", uri)
            if host is None or not self._domains.is_known(re.sub(r"(?:%20)+\Z", "", host[1])):
                return
        yield uri, types


def _matches(text: str) -> Iterator[re.Match[str]]:
    """All that `_URI` finds in the text."""
    for stretch in _WITH_SIGN.finditer(text):
        yield from _URI.finditer(text, stretch.start(), stretch.end())
