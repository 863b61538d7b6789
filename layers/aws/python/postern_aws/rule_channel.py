"""Fetching a channel of rules: version by DNS, list of mirrors and archive by HTTP, bounded in octets and time."""

from __future__ import annotations

import random
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException

from postern.ports import Resolver, Unavailable
from postern.rules.channel import (
    DIGESTS,
    MAX_ARCHIVE_OCTETS,
    ChannelError,
    Download,
    Mirror,
    believed,
    mirrors_name,
    read_list_address,
    read_mirrors,
    read_version,
    unpack,
)
from postern.rules.channel_policy import version_name
from postern.rules.openpgp import MAX_SIGNATURE_OCTETS, PublicKey
from postern.rules.rule_set import StockSet, make_stock_set

SECONDS = 20
MAX_LIST_OCTETS = 20_000
MAX_DIGEST_OCTETS = 1_000
MIRRORS_TRIED = 4

Fetch = Callable[[str, int], bytes]
"""The content at an address, at most so many octets. Raises `Unavailable`."""


def fetch(address: str, limit: int) -> bytes:
    """The content at an `http:` or `https:` address. Raises `Unavailable`."""
    if not address.startswith(("http://", "https://")):
        raise Unavailable(f"{address} is not fetched")
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "postern"})  # noqa: S310 - by HTTP, see above
        with _opener().open(request, timeout=SECONDS) as answer:
            content: bytes = answer.read(limit + 1)
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as trouble:
        raise Unavailable(f"{address} cannot be fetched: {trouble}") from trouble
    if len(content) > limit:
        raise Unavailable(f"{address} has more than {limit} octets")
    return content


def _opener() -> urllib.request.OpenerDirector:
    """Speaks HTTP and nothing else, wherever it is redirected."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


@dataclass(frozen=True, slots=True)
class RuleChannel:
    """One channel, and how it is asked."""

    name: str
    resolver: Resolver
    fetch: Fetch = fetch

    def version(self) -> str:
        """The channel's version now. Raises `ChannelError`."""
        return read_version(self.resolver.query(version_name(self.name), "TXT"))

    def stock_set(self, version: str, keys: tuple[PublicKey, ...], before: StockSet | None) -> StockSet:
        """The rules of a version, signed by one of the keys, from the first mirror that has them.

        Raises `ChannelError`, `RuleSetError` or `Unavailable`.
        """
        if not keys:
            raise ChannelError("none of the keys that policy names is stored; see postern rules trust")
        address = read_list_address(self.resolver.query(mirrors_name(self.name), "TXT"))
        mirrors = read_mirrors(self.fetch(address, MAX_LIST_OCTETS))
        archive = believed(self._download(version, _in_turn(mirrors)), keys)
        known = before if before is not None and before.source == self.name else None
        return make_stock_set(self.name, version, unpack(archive), known)

    def _download(self, version: str, mirrors: Sequence[Mirror]) -> Download:
        troubles = []
        for mirror in mirrors[:MIRRORS_TRIED]:
            try:
                archive = self.fetch(mirror.file(version, "tar.gz"), MAX_ARCHIVE_OCTETS)
                kind, digest = self._digest(mirror, version)
                signature = self.fetch(mirror.file(version, "tar.gz.asc"), MAX_SIGNATURE_OCTETS)
                return Download(archive, kind, digest, signature)
            except Unavailable as trouble:
                troubles.append(str(trouble))
        # In an order of their own: mirrors are tried by chance, and the same trouble must read the same.
        raise Unavailable("; ".join(sorted(troubles)))

    def _digest(self, mirror: Mirror, version: str) -> tuple[str, bytes]:
        """The best digest that the mirror has."""
        troubles = []
        for kind in DIGESTS:
            try:
                return kind, self.fetch(mirror.file(version, f"tar.gz.{kind}"), MAX_DIGEST_OCTETS)
            except Unavailable as trouble:
                troubles.append(str(trouble))
        raise Unavailable("; ".join(troubles))


def _in_turn(mirrors: Sequence[Mirror]) -> list[Mirror]:
    """The mirrors in an order of chance in which the heavier ones tend to come first."""
    return sorted(mirrors, key=lambda one: random.random() ** (1 / one.weight), reverse=True)  # noqa: S311 - shares load
