"""Writing aggregate reports: the XML of RFC 9990 Appendix A, and the names of the file and the message it goes in.

What is written is valid by the RFC's schema and by those of earlier drafts that are still in use: IPv6 addresses are
written in full, every record has an SPF result, and a message that passed has the disposition `none`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from postern.dmarc_reports.counting import AggregateRow, PublishedPolicy
from postern.wire import clean_text, dumps

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
MAX_RECORDS = 20_000
"""Records of one report; of more, those that count most messages."""

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: name, address for questions, and the domain the report is submitted by."""

    org_name: str
    contact: str
    submitter: str
    extra_contact: str = ""


@dataclass(frozen=True, slots=True)
class AggregateReport:
    """One day's rows for one published policy, each with its count. `day` is a day of UTC."""

    reporter: Reporter
    published: PublishedPolicy
    day: date
    rows: Sequence[tuple[AggregateRow, int]] = field(default=())

    @property
    def begin(self) -> int:
        """The first second of the day, since 1970."""
        return int(datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC).timestamp())

    @property
    def end(self) -> int:
        """The last second of the day, since 1970."""
        return self.begin + int(timedelta(days=1).total_seconds()) - 1

    @property
    def report_id(self) -> str:
        """The same whenever the report is made again, so that a receiver knows it (RFC 9990 §3.1.5)."""
        digest = hashlib.sha256(dumps(self.published).encode()).hexdigest()[:12]
        return f"{self.day:%Y%m%d}.{digest}@{self.reporter.submitter}"

    @property
    def filename(self) -> str:
        """The name of the compressed file (RFC 9990 §4.1)."""
        unique = self.report_id.partition("@")[0].replace(".", "-")
        return f"{self.reporter.submitter}!{self.published.domain}!{self.begin}!{self.end}!{unique}.xml.gz"

    @property
    def subject(self) -> str:
        """The subject of the message that carries the file (RFC 9990 §4.1)."""
        domain, submitter = self.published.domain, self.reporter.submitter
        return f"Report Domain: {domain} Submitter: {submitter} Report-ID: <{self.report_id}>"


def reports_of(rows: Iterable[tuple[AggregateRow, int]], reporter: Reporter, day: date) -> tuple[AggregateReport, ...]:
    """One report per published policy: a report holds a single configuration (RFC 9990 §3.1)."""
    grouped: dict[PublishedPolicy, list[tuple[AggregateRow, int]]] = {}
    for row, count in rows:
        grouped.setdefault(row.published, []).append((row, count))
    return tuple(
        AggregateReport(reporter, published, day, tuple(sorted(its_rows, key=_weight)[:MAX_RECORDS]))
        for published, its_rows in sorted(grouped.items(), key=lambda item: (item[0].domain, dumps(item[0])))
    )


def write_report(report: AggregateReport) -> bytes:
    """The XML document, UTF-8. A report has at least one row."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feedback xmlns="{NAMESPACE}">',
        *_metadata(report),
        *_published(report.published),
        *(line for row, count in report.rows for line in _record(row, count)),
        "</feedback>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _weight(counted: tuple[AggregateRow, int]) -> tuple[int, str]:
    row, count = counted
    return -count, row.digest


def _metadata(report: AggregateReport) -> Iterator[str]:
    reporter = report.reporter
    yield "  <report_metadata>"
    yield _leaf(4, "org_name", reporter.org_name)
    yield _leaf(4, "email", reporter.contact)
    if reporter.extra_contact:
        yield _leaf(4, "extra_contact_info", reporter.extra_contact)
    yield _leaf(4, "report_id", report.report_id)
    yield f"    <date_range><begin>{report.begin}</begin><end>{report.end}</end></date_range>"
    yield "  </report_metadata>"


def _published(published: PublishedPolicy) -> Iterator[str]:
    """Policies as the owner wrote them; `testing` only where it is set, because its absence says the same."""
    tags = (
        ("domain", published.domain),
        ("discovery_method", "treewalk"),
        ("p", published.policy),
        ("sp", published.subdomain_policy),
        ("np", published.nonexistent_policy),
        ("fo", published.failure_options),
        ("adkim", "s" if published.strict_dkim else "r"),
        ("aspf", "s" if published.strict_spf else "r"),
        ("testing", "y" if published.testing else ""),
    )
    yield "  <policy_published>"
    yield from (_leaf(4, name, value) for name, value in tags if value)
    yield "  </policy_published>"


def _record(row: AggregateRow, count: int) -> Iterator[str]:
    yield "  <record>"
    yield "    <row>"
    yield _leaf(6, "source_ip", row.source_ip)
    yield _leaf(6, "count", str(count))
    yield "      <policy_evaluated>"
    yield _leaf(8, "disposition", row.disposition.value)
    yield _leaf(8, "dkim", "pass" if row.dkim_aligned else "fail")
    yield _leaf(8, "spf", "pass" if row.spf_aligned else "fail")
    if row.override:
        yield f"        <reason>{_leaf(0, 'type', row.override)}{_leaf(0, 'comment', row.comment)}</reason>"
    yield "      </policy_evaluated>"
    yield "    </row>"
    yield "    <identifiers>"
    yield _leaf(6, "envelope_from", row.envelope_from)
    yield _leaf(6, "header_from", row.author_domain)
    yield "    </identifiers>"
    yield "    <auth_results>"
    for one in row.signatures:
        parts = (("domain", one.signing_domain), ("selector", one.selector), ("result", one.result))
        yield f"      <dkim>{''.join(_leaf(0, *part) for part in parts)}</dkim>"
    parts = (("domain", row.spf_domain), ("scope", "mfrom"), ("result", row.spf_result))
    yield f"      <spf>{''.join(_leaf(0, *part) for part in parts)}</spf>"
    yield "    </auth_results>"
    yield "  </record>"


def _leaf(indent: int, name: str, text: str) -> str:
    return f"{' ' * indent}<{name}>{_NOT_IN_XML.sub('?', clean_text(text)).translate(_ESCAPED)}</{name}>"
