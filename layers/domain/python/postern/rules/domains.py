"""Which names are domains, and where the registered part of a host name begins, by the lists in the rule files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from postern.text.domains import TOP_LEVEL_DOMAINS

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\Z")
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z")
_SCHEME = re.compile(r"\A[a-z]+:/{0,2}")
_AUTHORITY_END = re.compile(r"[/?#]")
_PORT = re.compile(r":\d*\Z")
_STATES = frozenset(
    "ak al ar az ca co ct dc de fl ga gu hi ia id il in ks ky"
    " la ma md me mi mn mo ms mt nc nd ne nh nj nm nv ny oh ok or"
    " pa pr ri sc sd tn tx ut va vi vt wa wi wv wy fed isa nsn kids dni".split()
)


class Domains:
    """The lists `util_rb_tld`, `util_rb_2tld` and `util_rb_3tld`; without them the names known to `postern.text`."""

    def __init__(self, settings: Mapping[str, Iterable[str]]) -> None:
        top = frozenset(word.lower() for word in settings.get("util_rb_tld", ()))
        self._top = top or TOP_LEVEL_DOMAINS
        self._second = frozenset(word.lower() for word in settings.get("util_rb_2tld", ()))
        self._third = frozenset(word.lower() for word in settings.get("util_rb_3tld", ()))
        self.of_uri = lru_cache(maxsize=2_000)(self._of_uri)

    def is_valid(self, host: str) -> bool:
        """Whether it is a host name under a known top-level domain."""
        name = _ascii(host).rstrip(".")
        labels = name.split(".")
        if len(name) > 253 or len(labels) < 2 or labels[-1] not in self._top:
            return False
        if "_" in labels[-1] or "_" in labels[-2]:
            return False
        return all(len(label) <= 63 and _LABEL.match(label) for label in labels)

    def is_known(self, domain: str) -> bool:
        """Whether it ends in a known top-level domain."""
        return "." in domain and _ascii(domain).rpartition(".")[2] in self._top

    def trim(self, host: str) -> str:
        """The registered domain of a host name."""
        parts = [part for part in _ascii(host).split(".") if part]
        index = 0
        while len(parts) - index > 1 and not self._is_suffix(parts[index:]):
            index += 1
        return ".".join(parts[max(0, index - 1) :])

    def _of_uri(self, uri: str) -> tuple[str, str] | None:
        """The registered domain and the host of a URI; `None` when it has none that is valid."""
        text = uri.lower()
        if text.startswith(("javascript:", "cid:", "file:")):
            return None
        if text.startswith("mailto:"):
            address = text[7:].partition("?")[0]
            if address.count("@") != 1:
                return None
            host = address.rpartition("@")[2]
        else:
            host = _AUTHORITY_END.split(_SCHEME.sub("", text), maxsplit=1)[0].rpartition("@")[2]
            host = _PORT.sub("", host)
        host = _ascii(host)
        if _ADDRESS.match(host):
            return host, host
        return (self.trim(host), host) if self.is_valid(host) else None

    def _is_suffix(self, parts: list[str]) -> bool:
        if len(parts) == 2:
            return ".".join(parts) in self._second
        if len(parts) == 3:
            return parts[1] in _STATES if parts[2] == "us" else ".".join(parts) in self._third
        if len(parts) == 4 and parts[3] == "us":
            return parts[2] in _STATES and (parts[:2] == ["pvt", "k12"] or parts[0] in ("ci", "co"))
        return False


@lru_cache(maxsize=2_000)
def _ascii(host: str) -> str:
    """The host name in lower case, internationalised labels as `xn--…`."""
    if host.isascii():
        return host.lower()
    labels = host.lower().replace("\u3002", ".").replace("\uff0e", ".").replace("\uff61", ".").split(".")
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode", "replace").decode("ascii") for label in labels
    )
