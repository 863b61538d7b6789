"""Lists of domains and of links' hosts (RFC 5782 §3) as policy records, and those that Postern knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from postern.dnsbl.lists import DnsList, points_of
from postern.policy import PolicyError, setting


class NameRole(StrEnum):
    """Where in a message a name stands. What is found in several places counts by the first of these."""

    AUTHOR = "author"
    REVERSE_PATH = "reverse_path"
    HELO = "helo"
    LINK = "link"


EVERY_ROLE = tuple(NameRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameList(DnsList):
    """One list of names in the DNS. All its points are positive: a name that somebody else writes earns no credit."""

    refuse: bool = setting(False, "in mode enforce, refuse a message with a name that the list lists")
    about: tuple[NameRole, ...] = setting(EVERY_ROLE, "which names are asked for: author, reverse_path, helo, link")
    hosts: bool = setting(False, "ask for whole host names; otherwise for the part of them that is registered")
    addresses: bool = setting(False, "ask for links to an IPv4 address as well, its octets in reverse")
    listed_test: str = setting("test", "a name that the list must list (RFC 5782 §5)")
    unlisted_test: str = setting("invalid", "a name that no list may list (RFC 5782 §5)")

    def __post_init__(self) -> None:
        DnsList.__post_init__(self)
        if any(points < 0 for points in self.codes.values()):
            raise PolicyError(f"list {self.name!r}: names earn no negative points")


_KEYED = "Data Query Service: needs a key, free for small and non-commercial use after registration."

_SPAMHAUS = (
    NameList(
        name="spamhaus-dbl",
        zone="dbl.dq.spamhaus.net",
        codes=points_of(
            {
                "127.0.1.2": 4,  # spam
                "127.0.1.4": 5,  # phishing
                "127.0.1.5": 5,  # malware
                "127.0.1.6": 5,  # botnet control
                "127.0.1.102": 1.5,  # legitimate, abused for spam
                "127.0.1.103": 1,  # an open redirector
                "127.0.1.104": 2.5,
                "127.0.1.105": 2.5,
                "127.0.1.106": 2.5,
            }
        ),
        refusals=("127.0.1.255",),  # we asked for an address
        hosts=True,
        listed_test="dbltest.com",
        terms=_KEYED,
    ),
    NameList(
        name="spamhaus-zrd",
        zone="zrd.dq.spamhaus.net",
        codes=points_of({"127.0.2.*": 1.5}),  # the last octet says for how many hours the domain has been seen
        refusals=("127.0.2.255",),
        listed_test="zrdtest.com",
        terms=_KEYED,
    ),
)

SHIPPED: Mapping[str, NameList] = MappingProxyType(
    {
        known.name: known
        for known in (
            NameList(
                name="surbl",
                zone="multi.surbl.org",
                codes=points_of({"&8": 4, "&16": 4, "&64": 3, "&128": 2}),  # phishing, malware, abuse, cracked
                about=(NameRole.LINK,),
                addresses=True,
                listed_test="surbl-org-permanent-test-point.com",
                terms="Free for small organizations that ask by a resolver of their own; public resolvers and most of "
                "the clouds' are refused. Others subscribe to a data feed.",
            ),
            NameList(
                name="uribl",
                zone="multi.uribl.com",
                codes=points_of({"&2": 3, "&4": 0.5, "&8": 0.1}),  # black, grey, red
                about=(NameRole.LINK,),
                addresses=True,
                listed_test="test.uribl.com",
                terms="Free below some thousand messages a day; public and shared resolvers are refused (127.0.0.1). "
                "Others subscribe to a data feed.",
            ),
            NameList(
                name="sem-uri",
                zone="uribl.spameatingmonkey.net",
                codes=points_of({"127.0.0.2": 1.5}),
                about=(NameRole.LINK,),
                listed_test="test",
                terms="Free below 99,000 questions in 24 hours.",
            ),
            NameList(
                name="sem-fresh",
                zone="fresh.spameatingmonkey.net",
                codes=points_of({"127.0.0.2": 1}),  # registered within the last five days
                listed_test="test",
                terms="Free below 99,000 questions in 24 hours.",
            ),
        )
    }
)


def spamhaus_names(key: str) -> tuple[NameList, ...]:
    """Spamhaus' lists of domains by the Data Query Service with the account's key."""
    return tuple(replace(one, key=key) for one in _SPAMHAUS)
