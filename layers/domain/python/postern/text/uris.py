"""URIs as a mail reader's program would open them: cleaned of obfuscation, with what is behind redirectors.

Bounded in number and length; nothing raises. Host names are given in their ASCII form (RFC 5890 §2.3.2.1).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from postern.text.domains import TOP_LEVEL_DOMAINS
from postern.text.html import Link

MAX_URIS = 1_000
MAX_URI_LENGTH = 2_000
MAX_REDIRECTIONS = 3
"""How many times a URI inside a URI is unwrapped."""

MAX_HOST_LENGTH = 253
IN_TEXT = "text"
"""The `element` of a URI that stands in running text."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,30}):")
_WEB_SCHEMES = frozenset({"http", "https", "ftp"})
_IN_WORD = re.compile(r"(?:https?|ftp):/{1,3}|mailto:|(?<![\w.=/@-])(?:www\d{0,2}|ftp)\.\w", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.){1,10})([A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,59})\.?(?::\d{1,5})?(?:[/?#].*)?"
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_~\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.){1,10}[A-Za-z]{2,24}")
_DELIMITERS = {ord(character): " " for character in "<>\"`{}[]()|^\u00a0\u3000\u201c\u201d\u2018\u2019'"}
_TRAILING = ".,;:!?*_~-=+&\u3002\uff0c"
_INVISIBLE = re.compile("[\\x00-\\x20\\x7f\\u00ad\\u200b-\\u200f\\u2060\\ufeff]+")
_EMBEDDED = re.compile(r"(?:https?|ftp):/{2}[^\s<>\"]{4,}", re.IGNORECASE)
_NUMERIC_LABEL = re.compile(r"0[xX][0-9a-fA-F]{1,8}|\d{1,10}")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]")
_PORT = re.compile(r":(\d{0,5})$")
_FULL_STOPS = str.maketrans("\u3002\uff0e\uff61", "...")
_USUAL_PORTS = frozenset({"", "80", "443"})


class UriTrait(StrEnum):
    """What is unusual about a URI."""

    SCHEMELESS = "schemeless"
    USERINFO = "userinfo"
    IP_HOST = "ip_host"
    NUMERIC_HOST = "numeric_host"
    ENCODED_HOST = "encoded_host"
    PUNYCODE = "punycode"
    PORT = "port"
    CONTROLS = "controls"
    BACKSLASH = "backslash"
    REDIRECTED = "redirected"


@dataclass(frozen=True, slots=True)
class Uri:
    """One URI: as `written`, and `url` as a program would open it.

    `host` is lower case and ASCII, an address in brackets or dotted decimal, or `""`. `element` is the HTML element
    that names it or `text`; `anchor` what people click on; `via` the host of the redirector that it was found in.
    """

    written: str
    url: str
    scheme: str
    host: str
    element: str = IN_TEXT
    anchor: str = ""
    via: str = ""
    traits: frozenset[UriTrait] = frozenset()


def collect(links: Iterable[Link], texts: Iterable[str]) -> tuple[Uri, ...]:
    """The distinct URIs of a message's HTML links and running texts, with those inside them; at most `MAX_URIS`."""
    found: dict[tuple[str, str, str], Uri] = {}
    for uri in _candidates(links, texts):
        found.setdefault((uri.url, uri.element, uri.anchor), uri)
        if len(found) >= MAX_URIS:
            break
    return tuple(found.values())


def _candidates(links: Iterable[Link], texts: Iterable[str]) -> Iterator[Uri]:
    for link in links:
        yield from unwrap(read_uri(link.target, link.element, link.text))
    for text in texts:
        for word in words_with_uris(text):
            yield from unwrap(read_uri(word))


def words_with_uris(text: str) -> Iterator[str]:
    """The stretches of running text that a mail program would turn into links."""
    for stretch in text.split():
        # Most words have neither sign; only the others are worth taking apart at quotes and brackets.
        if "." not in stretch and ":/" not in stretch:
            continue
        for word in stretch.translate(_DELIMITERS).split():
            if "." in word[1:-1] or ":/" in word:
                uri = _uri_in_word(word[:MAX_URI_LENGTH])
                if uri:
                    yield uri


def _uri_in_word(word: str) -> str:
    known = _IN_WORD.search(word)
    if known:
        return word[known.start() :].rstrip(_TRAILING)
    word = word.strip(_TRAILING)
    if "@" in word:
        address = _ADDRESS.search(word)
        return f"mailto:{address[0]}" if address else ""
    host = _BARE_HOST.match(word)
    if host and (host[2].lower() in TOP_LEVEL_DOMAINS or host[2][:4] == "xn--"):
        return word
    return ""


def read_uri(written: str, element: str = IN_TEXT, anchor: str = "") -> Uri | None:
    """One URI, cleaned; `None` when it names nothing outside the message (`#top`, `cid:`, relative paths)."""
    written = written[:MAX_URI_LENGTH]
    cleaned = _INVISIBLE.sub("", written)
    traits = {UriTrait.CONTROLS} if len(cleaned) != len(written.strip()) else set()
    match = _SCHEME.match(cleaned)
    scheme = match[1].lower() if match else ""
    if match and scheme not in _WEB_SCHEMES and "." not in scheme:
        return _other_scheme(written, cleaned, scheme, element, anchor)
    rest = cleaned[match.end() :] if match and scheme in _WEB_SCHEMES else cleaned
    if rest is cleaned:
        if element != IN_TEXT and not cleaned.startswith("//") and not cleaned.lower().startswith("www."):
            return None
        traits.add(UriTrait.SCHEMELESS)
        scheme = "http"
    return _web_uri(written, scheme, rest, element, anchor, traits)


def _other_scheme(written: str, cleaned: str, scheme: str, element: str, anchor: str) -> Uri | None:
    if scheme == "mailto":
        host = cleaned.partition("?")[0].rpartition("@")[2].lower()
        return Uri(written, cleaned, scheme, host[:MAX_HOST_LENGTH], element, anchor)
    if scheme in ("cid", "mid", "data", "about"):
        return None
    return Uri(written, cleaned, scheme, "", element, anchor)


def _web_uri(written: str, scheme: str, rest: str, element: str, anchor: str, traits: set[UriTrait]) -> Uri | None:
    if "\\" in rest:
        traits.add(UriTrait.BACKSLASH)
        rest = rest.replace("\\", "/")
    rest = rest.lstrip("/")
    end = min((position for position in map(rest.find, "/?#") if position >= 0), default=len(rest))
    host, port = _host(rest[:end], traits)
    if not host:
        return None
    url = f"{scheme}://{host}{port}{_plain(rest[end:]) or '/'}"
    return Uri(written, url, scheme, host, element, anchor, traits=frozenset(traits))


def _host(authority: str, traits: set[UriTrait]) -> tuple[str, str]:
    """The ASCII host and its port with the colon (empty for the usual ones), out of an authority (RFC 3986 §3.2)."""
    if "@" in authority:
        traits.add(UriTrait.USERINFO)
        authority = authority.rpartition("@")[2]
    port = _PORT.search(authority)
    host = authority[: port.start()] if port else authority
    if port and port[1] not in _USUAL_PORTS:
        traits.add(UriTrait.PORT)
    written_port = port[0] if port and port[1] not in _USUAL_PORTS else ""
    return _ascii_host(host, traits), written_port


def _ascii_host(host: str, traits: set[UriTrait]) -> str:
    if _IPV6.fullmatch(host):
        traits.add(UriTrait.IP_HOST)
        return host.lower()
    if "%" in host:
        traits.add(UriTrait.ENCODED_HOST)
        host = unquote(host)
    if not host.isascii():
        host = _to_ascii(host)
    host = host.strip(".").lower()[:MAX_HOST_LENGTH]
    if "xn--" in host:
        traits.add(UriTrait.PUNYCODE)
    if host[-1:].isdigit() or "0x" in host:
        return _numeric_host(host, traits)
    return host


def _to_ascii(host: str) -> str:
    labels = unicodedata.normalize("NFKC", host[:MAX_HOST_LENGTH]).translate(_FULL_STOPS).lower().split(".")
    return ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in labels)


def _numeric_host(host: str, traits: set[UriTrait]) -> str:
    """An IPv4 address in any notation that browsers take: fewer parts, octal, hexadecimal (URL Standard §3.5)."""
    labels = host.split(".")
    if len(labels) > 4 or not all(_NUMERIC_LABEL.fullmatch(label) for label in labels):
        return host
    traits.add(UriTrait.IP_HOST)
    numbers = [_number(label) for label in labels]
    if len(labels) != 4 or any(label[0] == "0" and len(label) > 1 for label in labels):
        traits.add(UriTrait.NUMERIC_HOST)
    value = numbers[-1] + sum(number << (24 - 8 * index) for index, number in enumerate(numbers[:-1]))
    if value > 0xFFFFFFFF or any(number > 255 for number in numbers[:-1]):
        return host
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def _number(label: str) -> int:
    if label[:2] == "0x":
        return int(label, 16)
    octal = len(label) > 1 and label[0] == "0" and not set(label) - set("01234567")
    return int(label, 8 if octal else 10)


def _plain(rest: str) -> str:
    """Path and query with needless percent-encoding undone."""
    if "%" not in rest:
        return rest
    return re.sub(r"%(2[dDeE]|3\d|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE])", lambda m: chr(int(m[1], 16)), rest)


def unwrap(uri: Uri | None) -> Iterator[Uri]:
    """The URI and those its path or query carries, as redirectors and link rewriters do."""
    if uri is None:
        return
    yield uri
    outer, traits = uri, uri.traits | {UriTrait.REDIRECTED}
    for _ in range(MAX_REDIRECTIONS):
        inner = _embedded(outer)
        if inner is None:
            return
        outer = Uri(
            inner.written,
            inner.url,
            inner.scheme,
            inner.host,
            uri.element,
            uri.anchor,
            outer.host,
            inner.traits | traits,
        )
        yield outer


def _embedded(uri: Uri) -> Uri | None:
    rest = uri.url[len(uri.scheme) + 3 :]
    for _ in range(MAX_REDIRECTIONS):
        match = _EMBEDDED.search(rest)
        if match:
            return read_uri(match[0].partition("&")[0] if "?" not in match[0] else match[0], uri.element)
        if "%" not in rest:
            return None
        rest = unquote(rest)
    return None
