"""Reports that arrive by mail at an address policy names: read on delivery, and kept beside the message itself.

Anybody can write to such an address. So a report counts only when DMARC passed for the message that brought it, when
that message was accepted into the mailbox, and when the report is about a domain of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postern.authres.reading import read_results
from postern.authres.writing import FIELD_NAME
from postern.dmarc_reports.policy import DmarcReportsPolicy
from postern.dmarc_reports.received import ReportError
from postern.dmarc_reports.unpacking import read_reports
from postern.model import Decision, Disposition, Transaction
from postern.policy import PolicyError
from postern.ports import Unavailable
from postern_aws.dmarc_rows import SECTION
from postern_aws.filter_machine import Snapshots
from postern_aws.outbox import Commit
from postern_aws.received_reports import DynamoReceivedReports


@dataclass(frozen=True, slots=True)
class ReportIntake:
    """Takes reports out of delivered mail. `report` is told what could not be taken, and why."""

    table: DynamoReceivedReports
    snapshots: Snapshots
    report: Callable[[str, Exception], None] | None = None

    def take(self, commit: Commit, raw: bytes) -> None:
        """Keep the reports of one message. Trouble is told, not raised: the message itself is in its mailbox."""
        try:
            if self._is_report_mail(commit.transaction, commit.decision):
                self._keep(raw, commit.transaction.site.local_domains)
        except (ReportError, Unavailable, PolicyError) as trouble:
            if self.report is not None:
                self.report(commit.transaction.transaction_id, trouble)

    def _is_report_mail(self, transaction: Transaction, decision: Decision) -> bool:
        wanted = self.snapshots.current().book.section(SECTION, DmarcReportsPolicy).report_mailboxes
        mailboxes = {address.lower() for address in wanted}
        pairs = zip(transaction.recipients, decision.recipients, strict=True)
        named = any(
            decided.disposition is Disposition.ACCEPT
            and not mailboxes.isdisjoint((recipient.address.lower(), recipient.forward_path.lower()))
            for recipient, decided in pairs
        )
        return named and is_proven(decision)

    def _keep(self, raw: bytes, local_domains: tuple[str, ...]) -> None:
        for feedback in read_reports(raw):
            if not any(f".{feedback.domain}".endswith(f".{one.lower()}") for one in local_domains):
                raise ReportError(f"a report about {feedback.domain}, which is no domain of ours")
            self.table.add(feedback)


def is_proven(decision: Decision) -> bool:
    """Whether DMARC passed, by our own Authentication-Results."""
    fields = (read_results(field.value) for field in decision.headers if field.name == FIELD_NAME)
    return any(one.method == "dmarc" and one.result == "pass" for field in fields if field for one in field.results)
