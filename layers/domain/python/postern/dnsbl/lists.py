"""Lists as policy records, and those that Postern knows, with the terms of their operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from postern.dns import Question, is_askable
from postern.dnsbl.codes import ReturnCode, read_code
from postern.model import Points
from postern.policy import PolicyError, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsList:
    """One list of addresses in the DNS. Positive points block, negative points allow.

    Of several codes in one answer the one with the most points, either way, counts.
    """

    name: str = setting("", "what people call the list")
    zone: str = setting("", "the zone that is asked, such as bl.example.org")
    codes: Mapping[str, Points] = setting(
        lambda: MappingProxyType({}), "points per return code (127.0.0.2, 127.0.*.3) or bit (&4); others do not count"
    )
    refusals: tuple[str, ...] = setting((), "return codes by which the list says that it does not serve us")
    refuse: bool = setting(True, "in mode enforce, refuse a client that the list blocks")
    key: str = setting("", "account key, asked as a label before the zone; never shown")
    test_point: bool = setting(True, "let a listing count only if the list does not list 127.0.0.1 (RFC 5782 §5)")
    terms: str = setting("", "on what terms the operator lets it be used")

    def __post_init__(self) -> None:
        if not self.name or not self.zone or not self.codes:
            raise PolicyError(f"list {self.name!r}: needs a name, a zone and codes")
        if not self.question_zone.isascii() or not is_askable(self.question_zone):
            raise PolicyError(f"list {self.name!r}: {self.zone!r} is no zone")
        try:
            for code in (*self.codes, *self.refusals):
                read_code(code)
        except ValueError as wrong:
            raise PolicyError(f"list {self.name!r}: {wrong}") from wrong

    @property
    def question_zone(self) -> str:
        """The zone as it is asked, with the key."""
        return f"{self.key}.{self.zone}" if self.key else self.zone

    def question(self, subject: str) -> Question:
        """The question about a subject, written as labels; the account's key is not shown to anybody."""
        return Question(f"{subject}.{self.question_zone}", "A", shown=f"{subject}.{self.zone}")

    def declared(self) -> tuple[tuple[ReturnCode, Points], ...]:
        """The codes that count and their points."""
        return tuple((read_code(code), points) for code, points in self.codes.items())

    def refusal_codes(self) -> tuple[ReturnCode, ...]:
        """The codes by which this list refuses us, besides those that all lists share."""
        return tuple(read_code(code) for code in self.refusals)


def points_of(codes: Mapping[str, float]) -> Mapping[str, Points]:
    """Points per return code, from what people write."""
    return MappingProxyType({code: Points(round(points * 100)) for code, points in codes.items()})


_SPAMHAUS = DnsList(
    name="spamhaus-zen",
    zone="zen.dq.spamhaus.net",
    codes=points_of(
        {
            "127.0.0.2": 4,  # SBL: spam sources
            "127.0.0.3": 3,  # CSS: snowshoe and low reputation
            "127.0.0.4": 4,  # XBL: hijacked machines
            "127.0.0.5": 4,
            "127.0.0.6": 4,
            "127.0.0.7": 4,
            "127.0.0.9": 6,  # DROP: hijacked networks
            "127.0.0.10": 2,  # PBL: addresses that should not send mail themselves
            "127.0.0.11": 2,
        }
    ),
    terms="Data Query Service: needs a key, free for small and non-commercial use after registration. The public "
    "mirrors (zen.spamhaus.org) refuse questions from cloud resolvers, so they are not used.",
)

SHIPPED: Mapping[str, DnsList] = MappingProxyType(
    {
        known.name: known
        for known in (
            DnsList(
                name="spamcop",
                zone="bl.spamcop.net",
                codes=points_of({"127.0.0.2": 2}),
                terms="Free for everybody; the operator advises scoring over refusing.",
            ),
            DnsList(
                name="psbl",
                zone="psbl.surriel.com",
                codes=points_of({"127.0.0.2": 1.5}),
                terms="Free for everybody; addresses are removed by whoever asks for it.",
            ),
            DnsList(
                name="mailspike",
                zone="bl.mailspike.net",
                codes=points_of({"127.0.0.2": 2, "127.0.0.10": 2.5, "127.0.0.11": 2, "127.0.0.12": 1.5}),
                terms="Free below 100,000 questions a day.",
            ),
            DnsList(
                name="dnswl",
                zone="list.dnswl.org",
                codes=points_of({"127.0.*.0": 0, "127.0.*.1": -0.5, "127.0.*.2": -1.5, "127.0.*.3": -3}),
                refusals=("127.0.0.255",),
                terms="An allow list. Free below 100,000 questions a day; refuses public resolvers.",
            ),
        )
    }
)


def spamhaus(key: str) -> DnsList:
    """Spamhaus ZEN by the Data Query Service with the account's key."""
    return replace(_SPAMHAUS, key=key)
