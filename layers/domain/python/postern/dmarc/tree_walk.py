"""The DNS tree walk: where a domain's policy is and what its organization is (RFC 9989 §4.10).

The names of a walk are known beforehand, so they are asked for together; what a `psd=` tag makes superfluous is not
looked at. A walk has at most eight names, and no name is asked for twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from postern.dmarc.records import DmarcRecord, PublicSuffix, is_record, read_record
from postern.dns import DnsAnswer, DnsStatus, Question
from postern.ports import Resolver

MAX_QUERIES = 8  # RFC 9989 §4.10


@dataclass(frozen=True, slots=True)
class Stop:
    """One name of a walk: its record, if there is exactly one, and how the question ended."""

    domain: str
    status: DnsStatus
    record: DmarcRecord | None = None
    several: bool = False


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk from its start upwards, up to the record that ends it. `failed` when a name could not be asked for."""

    stops: tuple[Stop, ...]
    failed: bool

    @property
    def start(self) -> Stop:
        """The first name."""
        return self.stops[0]

    def record_at(self, domain: str) -> DmarcRecord | None:
        """The record found at one of the names."""
        return next((stop.record for stop in self.stops if stop.domain == domain), None)

    def organizational_domain(self) -> str:
        """The highest domain under the same authority (RFC 9989 §4.10.2); the start when nothing tells."""
        chosen = self.start.domain
        for stop in self.stops:
            if stop.record is None:
                continue
            if stop.record.public_suffix is PublicSuffix.NO:
                return stop.domain
            if stop.record.public_suffix is PublicSuffix.YES and stop is not self.start:
                return _one_label_below(stop.domain, self.start.domain)
            chosen = stop.domain
        return chosen


def walk_names(domain: str) -> tuple[str, ...]:
    """The names a walk visits: the domain, then its parents, of long names only the last seven labels and fewer."""
    labels = domain.split(".")
    parents = range(min(len(labels) - 1, MAX_QUERIES - 1), 0, -1)
    return (domain, *(".".join(labels[-count:]) for count in parents))


class TreeWalker:
    """Walks for one message; remembers every answer."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._stops: dict[str, Stop] = {}

    def prepare(self, domains: Iterable[str]) -> None:
        """Ask for all names of these walks at once."""
        wanted = (name for domain in domains for name in walk_names(domain))
        names = [name for name in dict.fromkeys(wanted) if name not in self._stops]
        if not names:
            return
        answers = self._resolver.query_all([Question(f"_dmarc.{name}", "TXT") for name in names])
        self._stops.update((name, _read(name, answer)) for name, answer in zip(names, answers, strict=True))

    def walk(self, domain: str) -> Walk:
        """The walk that starts at `domain`."""
        self.prepare([domain])
        taken: list[Stop] = []
        for name in walk_names(domain):
            stop = self._stops[name]
            taken.append(stop)
            if stop.record and stop.record.public_suffix is not PublicSuffix.UNKNOWN:
                break
        failed = any(stop.status in (DnsStatus.TIMEOUT, DnsStatus.SERVFAIL, DnsStatus.NOT_ASKED) for stop in taken)
        return Walk(tuple(taken), failed)

    def exists(self, domain: str) -> bool:
        """Whether the DNS knows the name at all (RFC 9989 §3.2.13, Appendix A.4); when in doubt it does."""
        stop = self._stops.get(domain)
        if stop and stop.status in (DnsStatus.FOUND, DnsStatus.NO_DATA):
            return True
        return self._resolver.query(domain, "A").status is not DnsStatus.NXDOMAIN


def _read(domain: str, answer: DnsAnswer) -> Stop:
    """Records of another kind are ignored; several of this kind cancel each other (RFC 9989 §4.10, step 2)."""
    texts = [text for text in answer.records if is_record(text)]
    record = read_record(texts[0]) if len(texts) == 1 else None
    return Stop(domain, answer.status, record, several=len(texts) > 1)


def _one_label_below(parent: str, start: str) -> str:
    count = len(parent.split(".")) + 1
    return ".".join(start.split(".")[-count:])
