"""URIs without disguise: each is given as written, and in every form that a mail program might make of it.

What `uri` rules see. The forms follow SpamAssassin's: percent-encoding undone, backslashes turned, user names, default
ports, numeric addresses, redirectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from postern.rules.domains import Domains

MAX_FORMS = 50
_ENTITY = re.compile(r"&#0*(3[3-9]|[4-9]\d|1[01]\d|12[0-6]);|&#x0*(2[1-9]|[3-6][a-fA-F0-9]|7[0-9a-eA-E]);")
_DOT_ENTITY = re.compile(r"&#(?:x2e|12290|x3002|65294|xff0e|65377|xff61);", re.IGNORECASE)
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")
_PRINTABLE = frozenset(range(0x21, 0x7F)) | frozenset((9, 10, 13))
_WEB = re.compile(r"(https?://)([^@/?#]*@)?([^/?#:]+)((?::(\d*))?.*)\Z", re.IGNORECASE | re.DOTALL)
_REDIRECTED = re.compile(r"(https?:/{0,2}[^&#]+)", re.IGNORECASE)
_FRAGMENT = re.compile(r"[#?&]|/(?!/)")
_MAIL = re.compile(r"mailto:|[^:]*@", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x20]")
_SIGNS_AT_END = re.compile(r"[^0-9A-Za-z]+\Z")
_ONE_LABEL = re.compile(r"(?:www\.)?([^.]+)\Z")
_SLASHES = re.compile(r"(https?:)/{0,2}", re.IGNORECASE)
_ANY_SCHEME = re.compile(r"[-_a-z0-9]+:", re.IGNORECASE)
_HOST_ALONE = re.compile(r"(https?://[^/?#]+)[?#]", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_QUAD = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){3}\Z", re.IGNORECASE)


def canonical_forms(uri: str, redirectors: Iterable[Any], domains: Domains) -> tuple[str, ...]:
    """The URI and its other forms, without repetition."""
    pending, forms = [uri], []
    for _ in range(MAX_FORMS):
        if not pending:
            break
        one = pending.pop(0).replace("\n", "").replace("\r", "").strip()
        forms.append(one)
        if len(one) <= 1 or _FRAGMENT.match(one):
            continue
        maker = _Forms(one, redirectors, domains)
        forms += maker.made()
        pending += maker.redirected
    return tuple(dict.fromkeys(forms))


class _Forms:
    """The forms of one URI."""

    def __init__(self, uri: str, redirectors: Iterable[Any], domains: Domains) -> None:
        self._uri = uri
        self._redirectors = redirectors
        self._domains = domains
        self.redirected: list[str] = []

    def made(self) -> list[str]:
        if _MAIL.match(self._uri):
            return list(_mail_forms(self._uri))
        cleaned = _cleaned(self._uri)
        forms = [cleaned] if cleaned != self._uri else []
        web = _WEB.match(cleaned)
        return forms + (list(self._web_forms(web)) if web else [])

    def _web_forms(self, web: re.Match[str]) -> Iterator[str]:
        scheme, user, host, rest, port = web[1], web[2] or "", web[3], web[4], web[5] or ""
        default = "80" if scheme == "http://" else "443"
        if port == default:
            yield f"{scheme}{host}{re.sub(rf'^:{default}(?![0-9A-Za-z_])', '', rest)}"
        lower = _to_ascii(host)
        if lower != host.lower():
            yield f"{scheme}{lower}{rest}"
            host = lower
        bare = _CONTROLS.sub("", host)
        if bare != host:
            host = bare
            yield f"{scheme}{host}{rest}"
        self._redirect(f"{scheme}{host}{rest}", rest)
        trimmed = _SIGNS_AT_END.sub("", host)
        if trimmed != host:
            host = trimmed
            yield f"{scheme}{host}{rest}"
        numeric = _numeric(host)
        if numeric:
            yield f"{scheme}{numeric}{rest}"
        elif scheme == "http://" and not user and lower != "localhost" and port in ("", "80"):
            short = _ONE_LABEL.match(lower)
            if short and not self._domains.is_known(lower):
                yield f"{scheme}www.{short[1]}.com{rest}"

    def _redirect(self, whole: str, rest: str) -> None:
        for pattern in self._redirectors:
            found = pattern.search(whole)
            if found and found.re.groups and found[1] and "." in found[1]:
                self.redirected.append(found[1])
                return
        inner = _REDIRECTED.search(rest)
        if inner and "." in inner[1]:
            self.redirected.append(inner[1])


def _cleaned(uri: str) -> str:
    cleaned = uri.replace("\\", "/")
    if found := _SLASHES.match(cleaned):
        cleaned = f"{found[1]}//{cleaned[found.end() :]}"
    if "%" in cleaned:
        cleaned = _PERCENT.sub(_decode_percent, cleaned)
    if not _ANY_SCHEME.match(cleaned):
        cleaned = ("ftp://" if cleaned.startswith("ftp.") else "http://") + cleaned
    if found := _HOST_ALONE.match(cleaned):
        cleaned = f"{found[1]}/{cleaned[found.end(1) :]}"
    if "&#" in cleaned:
        cleaned = _ENTITY.sub(lambda found: chr(int(found[1]) if found[1] else int(found[2], 16)), cleaned)
        cleaned = _DOT_ENTITY.sub(".", cleaned)
    return cleaned


def _decode_percent(found: re.Match[str]) -> str:
    value = int(found[1], 16)
    return chr(value) if 0x20 <= value < 0x7F or value in (9, 10, 13) else found[0].lower()


def _mail_forms(uri: str) -> Iterator[str]:
    for pattern, prefix in (
        (r"([^@]+@[^?]+)\?", ""),
        (r"([^@]+@[^?&]+)&", ""),
        (r"(?:mailto:)?(?:%20)*([^@]+@[^?&%]+)", "mailto:") if "%20" in uri else (r"(?!)", ""),
        (r"[^?&]*<([^@>]+@[^>]+)>", "mailto:"),
    ):
        found = re.match(pattern, uri)
        if found:
            yield prefix + found[1]


def _to_ascii(host: str) -> str:
    lower = host.lower()
    if lower.isascii():
        return lower
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode", "replace").decode("ascii")
        for label in unquote(lower).split(".")
    )


def _numeric(host: str) -> str:
    """A host in digits, decimal, octal or hexadecimal, as a dotted quad."""
    if _QUAD.match(host):
        return ".".join(str(_number(part)) for part in host.split("."))
    if _HEXADECIMAL.fullmatch(host):
        value = int(host[-8:] if len(host) > 10 else host, 16)
    elif host.isdigit() and host.isascii() and len(host) < 20:
        value = int(host)
    else:
        return ""
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def _number(part: str) -> int:
    digits = part[:40]
    if digits[:2].lower() == "0x":
        return int(digits, 16)
    octal = re.fullmatch(r"0+([1-3][0-7]{0,2}|[4-7][0-7]?)", digits)
    return int(octal[1], 8) if octal else int(digits)
