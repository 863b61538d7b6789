"""Sending aggregate reports: yesterday's rows, a report per policy, a message per destination that agreed.

A report only leaves under a signature of its author's domain, so that nobody has to trust the client it comes from.
Each is sent once, however often this runs: what is left when the time is over, or could not be had, is the next run's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from postern.dmarc_reports.destinations import destinations_of
from postern.dmarc_reports.mailing import write_mail
from postern.dmarc_reports.policy import DmarcReportsPolicy
from postern.dmarc_reports.writing import AggregateReport, Reporter, reports_of
from postern.model import Recipient, Site
from postern.policy_compiler import Snapshot
from postern.ports import Resolver
from postern.recipients import Directory, MailPath, resolve
from postern_aws import clients, dns, metrics
from postern_aws.directory import DynamoDirectory
from postern_aws.dmarc_rows import SECTION, DynamoDmarcRows
from postern_aws.due_rows import utc_now
from postern_aws.filter_machine import MachineFilter, Snapshots
from postern_aws.identifiers import new_id
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import DynamoOutbox
from postern_aws.own_mail import OwnMail, OwnMessage, signing_domains
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.runtime import logger
from postern_aws.settings import SendDmarcReportsSettings

Json = Any

RUN_SECONDS = 660
"""No further report is begun after this time."""

UNSIGNED = "no key signs mail of the domain of dmarc_reports.contact"


@dataclass(slots=True)
class Counts:
    """What a run did."""

    sent: int = 0
    known: int = 0
    not_wanted: int = 0
    stopped: str = ""

    def as_json(self) -> Json:
        """For the log and the console."""
        return {"sent": self.sent, "known": self.known, "not_wanted": self.not_wanted, "stopped": self.stopped}


class _Stopped(Exception):  # noqa: N818 - ends a run, with its reason
    """Nothing more can be sent in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcSending:
    """Sends the reports of a day."""

    rows: DynamoDmarcRows
    mail: OwnMail
    directory: Directory
    resolver: Resolver
    snapshots: Snapshots
    hostname: str
    seconds: Callable[[], float] = field(default=time.monotonic)

    def run(self) -> Counts:
        """Send yesterday's reports (UTC). Raises `Unavailable`, `WireError`."""
        snapshot = self.snapshots.current()
        policy = snapshot.book.section(SECTION, DmarcReportsPolicy)
        counts = Counts()
        if not policy.send:
            counts.stopped = "switched off by policy"
            return counts
        end = self.seconds() + RUN_SECONDS
        try:
            for report in self._reports(self.mail.now().date() - timedelta(days=1), policy):
                if self.seconds() > end:
                    raise _Stopped("no time is left; the next run goes on")
                self._send_everywhere(report, policy, snapshot, counts)
        except _Stopped as stopped:
            counts.stopped = str(stopped)
        return counts

    def _reports(self, day: date, policy: DmarcReportsPolicy) -> Iterator[AggregateReport]:
        """Domain by domain, as the rows lie; a domain whose policy changed has several."""
        reporter = reporter_of(policy, self.hostname)
        for _, rows in groupby(self.rows.rows(day), key=lambda counted: counted[0].published.domain):
            yield from reports_of(rows, reporter, day)

    def _send_everywhere(
        self, report: AggregateReport, policy: DmarcReportsPolicy, snapshot: Snapshot, counts: Counts
    ) -> None:
        for destination in destinations_of(report.published, self.resolver, policy.suppressed):
            recipients = self._recipients(destination.address) if destination.standing.is_sent_to else ()
            if recipients:
                self._send(report, destination.address, recipients, snapshot.site(self.hostname), counts)
            else:
                counts.not_wanted += 1

    def _send(
        self, report: AggregateReport, address: str, recipients: tuple[Recipient, ...], site: Site, counts: Counts
    ) -> None:
        mark = f"aggregate report {report.report_id} {address}"
        if self.mail.is_known(mark):
            counts.known += 1
            return
        now = self.mail.now()
        transaction_id = new_id(now)
        content = write_mail(report, address, message_id=f"{transaction_id}@{report.reporter.submitter}", moment=now)
        own = OwnMessage(transaction_id, content, recipients, mark)
        transaction, decision = self.mail.prepare(own, site)
        author_domain = report.reporter.contact.rpartition("@")[2]
        if own.leaves and not _is_aligned(author_domain, signing_domains(decision)):
            raise _Stopped(UNSIGNED)
        self.mail.commit(own, transaction, decision)
        counts.sent += 1

    def _recipients(self, address: str) -> tuple[Recipient, ...]:
        local_part, _, domain = address.rpartition("@")
        return resolve(MailPath(local_part, domain), self.directory, default_domain=domain, may_relay=True).recipients


def sending(settings: SendDmarcReportsSettings) -> DmarcSending:
    """The sending that these settings describe."""
    tables, snapshots = clients.dynamodb(), S3SnapshotReader(clients.s3(), settings.message_bucket)
    mail = OwnMail(
        messages=S3MessageStore(clients.s3(), settings.message_bucket),
        outbox=DynamoOutbox(tables, settings.outbox_table),
        outgoing=MachineFilter(clients.state_machine(), settings.outbound_state_machine_arn, snapshots),
        now=utc_now,
    )
    return DmarcSending(
        rows=DynamoDmarcRows(tables, settings.dmarc_reports_table),
        mail=mail,
        directory=DynamoDirectory(tables, settings.accounts_table, settings.aliases_table, snapshots),
        resolver=dns.SystemResolver(None),
        snapshots=snapshots,
        hostname=settings.hostname,
    )


def send(one: DmarcSending) -> Json:
    """Send what there is to send, and count it. Raises `Unavailable`, `WireError`."""
    counts = one.run()
    logger.info("Reports to domain owners", **counts.as_json())
    metrics.emit({metrics.REPORTS_SENT: counts.sent}, stopped=counts.stopped)
    return counts.as_json()


def reporter_of(policy: DmarcReportsPolicy, hostname: str) -> Reporter:
    """Who reports, by policy. Reports are submitted by the domain of the contact, which they are from."""
    contact = policy.contact or f"postmaster@{hostname}"
    submitter = contact.rpartition("@")[2].lower()
    return Reporter(policy.org_name or submitter, contact, submitter, policy.extra_contact)


def _is_aligned(author_domain: str, signed_by: frozenset[str]) -> bool:
    """Whether one of these is the author's domain or above it, which is stricter than DMARC asks for."""
    return any(f".{author_domain.lower()}".endswith(f".{domain}") for domain in signed_by)
