"""Who sends as us, and whether it is authenticated: many received reports as one summary per domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from postern.dmarc_reports.received import AggregateFeedback, Feedback, TlsFeedback


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages of one day or from one address: all, and those that passed DMARC."""

    messages: int = 0
    aligned: int = 0


@dataclass(frozen=True, slots=True)
class DomainSummary:
    """What was reported about one domain. Sources come with most messages first; days are those of UTC.

    `signed_by` names, per source, the domains whose DKIM signatures verified there: they tell whose servers these are.
    """

    domain: str
    reporters: tuple[str, ...] = ()
    days: tuple[tuple[date, Tally], ...] = ()
    sources: tuple[tuple[str, Tally], ...] = ()
    signed_by: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tls_sessions: int = 0
    tls_failed: int = 0
    tls_failures: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> Tally:
        """All messages."""
        return Tally(sum(one.messages for _, one in self.days), sum(one.aligned for _, one in self.days))


def summarize(received: Iterable[Feedback]) -> tuple[DomainSummary, ...]:
    """One summary per domain, by name."""
    sums: dict[str, _Sums] = {}
    for feedback in received:
        of_domain = sums.setdefault(feedback.domain, _Sums(feedback.domain))
        of_domain.reporters[feedback.org_name] += 1
        if isinstance(feedback, AggregateFeedback):
            of_domain.add_aggregate(feedback)
        else:
            of_domain.add_tls(feedback)
    return tuple(sums[domain].summary() for domain in sorted(sums))


@dataclass
class _Sums:
    """The sums of one domain; lives only as long as the call."""

    domain: str
    reporters: Counter[str] = field(default_factory=Counter)
    days: dict[date, Tally] = field(default_factory=dict)
    sources: dict[str, Tally] = field(default_factory=dict)
    signers: dict[str, Counter[str]] = field(default_factory=dict)
    sessions: int = 0
    failed: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add_aggregate(self, feedback: AggregateFeedback) -> None:
        day = feedback.begin.date()
        for record in feedback.records:
            more = Tally(record.count, record.count if record.is_aligned else 0)
            self.days[day] = _plus(self.days.get(day), more)
            self.sources[record.source_ip] = _plus(self.sources.get(record.source_ip), more)
            passed = (one.signing_domain for one in record.signatures if one.result == "pass")
            self.signers.setdefault(record.source_ip, Counter()).update(dict.fromkeys(passed, record.count))

    def add_tls(self, feedback: TlsFeedback) -> None:
        self.sessions += feedback.successful + feedback.failed
        self.failed += feedback.failed
        for failure in feedback.failures:
            self.failures[failure.result_type] += failure.sessions

    def summary(self) -> DomainSummary:
        sources = sorted(self.sources.items(), key=lambda item: (-item[1].messages, item[0]))
        return DomainSummary(
            domain=self.domain,
            reporters=tuple(sorted(self.reporters)),
            days=tuple(sorted(self.days.items())),
            sources=tuple(sources),
            signed_by=tuple((ip, tuple(name for name, _ in self.signers[ip].most_common(3))) for ip, _ in sources),
            tls_sessions=self.sessions,
            tls_failed=self.failed,
            tls_failures=tuple(self.failures.most_common()),
        )


def _plus(one: Tally | None, other: Tally) -> Tally:
    one = one or Tally()
    return Tally(one.messages + other.messages, one.aligned + other.aligned)
