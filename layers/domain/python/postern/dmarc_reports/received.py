"""What others report about our domains: aggregate reports (RFC 9990) and TLS reports (RFC 8460), as values.

ReportError    a report that cannot be read; the text says where and why
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postern.dmarc_reports.counting import SignatureResult


class ReportError(ValueError):
    """A report, or what is said to be one, that cannot be read."""


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """Messages that one reporter had from one address and judged alike."""

    source_ip: str
    count: int
    disposition: str
    dkim_aligned: bool
    spf_aligned: bool
    author_domain: str
    envelope_from: str = ""
    overrides: tuple[str, ...] = ()
    signatures: tuple[SignatureResult, ...] = ()
    spf_domain: str = ""
    spf_result: str = ""

    @property
    def is_aligned(self) -> bool:
        """Whether the messages passed DMARC."""
        return self.dkim_aligned or self.spf_aligned


@dataclass(frozen=True, slots=True)
class AggregateFeedback:
    """An aggregate report on one policy domain. `mended` says that it was no well-formed XML as it came."""

    org_name: str
    contact: str
    report_id: str
    begin: datetime
    end: datetime
    domain: str
    policy: str
    records: tuple[ReceivedRecord, ...]
    mended: bool = False

    @property
    def messages(self) -> int:
        """How many messages it is about."""
        return sum(record.count for record in self.records)

    @property
    def aligned(self) -> int:
        """How many of them passed DMARC."""
        return sum(record.count for record in self.records if record.is_aligned)


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """Sessions that failed alike (RFC 8460 §4.4); `result_type` is the reporter's word."""

    result_type: str
    sessions: int
    receiving_mx: str = ""
    sending_ip: str = ""


@dataclass(frozen=True, slots=True)
class TlsFeedback:
    """A TLS report on one policy of one domain; a report on several policies is several of these."""

    org_name: str
    contact: str
    report_id: str
    begin: datetime
    end: datetime
    domain: str
    policy_type: str
    successful: int
    failed: int
    failures: tuple[TlsFailure, ...] = ()


Feedback = AggregateFeedback | TlsFeedback


def merged(records: Iterable[ReceivedRecord], limit: int) -> tuple[ReceivedRecord, ...]:
    """Equal records as one, most messages first, at most `limit`: the last ones then count all the rest."""
    counts: dict[ReceivedRecord, int] = {}
    for record in records:
        key = replace(record, count=0)
        counts[key] = counts.get(key, 0) + record.count
    found = sorted((replace(key, count=count) for key, count in counts.items()), key=lambda one: -one.count)
    return tuple(found if len(found) <= limit else [*found[: limit - 2], *_rest(found[limit - 2 :])])


def _rest(records: Sequence[ReceivedRecord]) -> list[ReceivedRecord]:
    """Two records without an address in the place of many: those that passed, and those that did not."""
    sums = {passed: sum(one.count for one in records if one.is_aligned is passed) for passed in (True, False)}
    domain = records[0].author_domain
    return [ReceivedRecord("", count, "", passed, False, domain) for passed, count in sums.items() if count]
