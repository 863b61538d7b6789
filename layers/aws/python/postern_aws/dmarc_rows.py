"""What will be reported to domain owners: a row per kind of message and day, counted by one atomic update each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.dmarc_reports.counting import AggregateRow, row_of
from postern.dmarc_reports.destinations import is_suppressed
from postern.dmarc_reports.policy import DmarcReportsPolicy
from postern.exchange import Answer
from postern.model import Recipient, Transaction
from postern.policy import PolicyError
from postern.ports import Unavailable
from postern.wire import WireError, from_json, to_json
from postern_aws.filter_machine import Snapshots
from postern_aws.items import epoch, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=60)
SECTION = "dmarc_reports"

_COUNT = (
    "SET content = if_not_exists(content, :content), author_domain = :author_domain, source_ip = :source_ip,"
    " disposition = :disposition, expires_at = if_not_exists(expires_at, :expires_at) ADD messages :one"
)


@dataclass(frozen=True, slots=True)
class DynamoDmarcRows:
    """The table of rows, by day and by policy domain. `report` is told what could not be counted."""

    client: DynamoDBClient
    table: str
    report: Callable[[str, Exception], None] | None = None

    def count(self, row: AggregateRow, received_at: datetime) -> None:
        """Count one message in a row of its day (UTC). Raises `Unavailable`."""
        key = {"day": f"{received_at:%Y-%m-%d}", "row": f"{row.published.domain}#{row.digest}"}
        values = {
            ":content": to_json(row),
            ":author_domain": row.author_domain,
            ":source_ip": row.source_ip,
            ":disposition": row.disposition.value,
            ":expires_at": epoch(received_at + KEPT),
            ":one": 1,
        }
        try:
            self.client.update_item(
                TableName=self.table,
                Key=to_item(key),
                UpdateExpression=_COUNT,
                ExpressionAttributeValues=to_item(values),
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("a row for DMARC reports cannot be written") from trouble

    def rows(self, day: date, policy_domain: str | None = None) -> Iterator[tuple[AggregateRow, int]]:
        """The rows of a day, each with its count; of one policy domain or of all. Raises `Unavailable`, `WireError`."""
        condition, values = "#day = :day", {":day": day.isoformat()}
        names = {"#day": "day"}
        if policy_domain is not None:
            condition, names = f"{condition} AND begins_with(#row, :domain)", {**names, "#row": "row"}
            values[":domain"] = f"{policy_domain}#"
        query: Any = {
            "TableName": self.table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
        }
        for item in self._pages(query):
            row = from_item(item)
            yield from_json(AggregateRow, row["content"]), int(row["messages"])

    def _pages(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            try:
                page = self.client.query(**query, **start)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable("the rows for DMARC reports cannot be read") from trouble
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@dataclass(frozen=True, slots=True)
class DmarcCounter:
    """Counts every message that was answered for good, refused ones too. Implements `filter_machine.ReceiptKeeper`."""

    table: DynamoDmarcRows
    snapshots: Snapshots

    def keep(self, transaction: Transaction, answer: Answer) -> None:
        """Count the message. Trouble is reported, not raised: a count lost is no reason to lose mail."""
        try:
            row = row_of(transaction, answer.decision, answer.results)
            if row is not None and self._is_wanted(row, transaction.recipients):
                self.table.count(row, transaction.received_at)
        except (Unavailable, PolicyError, WireError) as trouble:
            if self.table.report is not None:
                self.table.report(transaction.transaction_id, trouble)

    def _is_wanted(self, row: AggregateRow, recipients: tuple[Recipient, ...]) -> bool:
        """Whether nobody opted out: neither the postmaster for this owner, nor a domain of ours for its mail.

        Reports about us are not counted, or two sites would report each other's reports for ever.
        """
        book = self.snapshots.current().book
        settings = book.section(SECTION, DmarcReportsPolicy)
        if is_suppressed(row.published.domain, settings.suppressed):
            return False
        if any(one.address in settings.report_mailboxes for one in recipients):
            return False
        domains = {one.address.rpartition("@")[2] for one in recipients}
        return all(book.section_of(domain, SECTION, DmarcReportsPolicy).count for domain in domains)
