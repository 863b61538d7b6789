"""Reports about our own domains: a row per report and domain, found by day, and kept once however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.dmarc_reports.received import AggregateFeedback, Feedback, TlsFeedback, merged
from postern.ports import Unavailable
from postern.wire import clean_text, from_json, truncate
from postern_aws.clients import error_code
from postern_aws.items import epoch, from_item, packed, scan, to_item, unpacked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=400)
"""A year and a month, so that a month can be compared with the same one of last year."""

MAX_RECORDS = 2_000
"""Different records of one report that are kept; what is beyond is kept as two sums."""
MAX_NAME = 100

_KINDS = {"dmarc": AggregateFeedback, "tls": TlsFeedback}


@dataclass(frozen=True, slots=True)
class DynamoReceivedReports:
    """The table of received reports."""

    client: DynamoDBClient
    table: str

    def add(self, feedback: Feedback) -> bool:
        """Keep a report; whether it was not there yet. Raises `Unavailable`."""
        try:
            self.client.put_item(
                TableName=self.table,
                Item=to_item(_row(feedback)),
                ConditionExpression="attribute_not_exists(report)",
            )
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable("the received reports cannot be written") from trouble
        return True

    def since(self, first_day: date, domain: str | None = None) -> Iterator[Feedback]:
        """The reports on days from `first_day` on, about one domain or all. Raises `Unavailable`, `WireError`."""
        rows = scan(self.client, self.table) if domain is None else self._of(domain, first_day)
        for row in rows:
            if row["report"] >= first_day.isoformat():
                yield from_json(_KINDS[row["kind"]], unpacked(row["content"]))

    def _of(self, domain: str, first_day: date) -> Iterator[dict[str, Any]]:
        query: Any = {
            "TableName": self.table,
            "KeyConditionExpression": "report_domain = :domain AND report >= :first",
            "ExpressionAttributeValues": to_item({":domain": domain, ":first": first_day.isoformat()}),
        }
        while True:
            try:
                page = self.client.query(**query)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable("the received reports cannot be read") from trouble
            yield from (from_item(item) for item in page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _row(feedback: Feedback) -> dict[str, object]:
    kind = "dmarc" if isinstance(feedback, AggregateFeedback) else "tls"
    if isinstance(feedback, AggregateFeedback):
        feedback = replace(feedback, records=merged(feedback.records, MAX_RECORDS))
        numbers = {"messages": feedback.messages, "aligned": feedback.aligned}
        unique = feedback.report_id
    else:
        numbers = {"sessions": feedback.successful + feedback.failed, "failed": feedback.failed}
        unique = f"{feedback.report_id} {feedback.policy_type}"
    org_name = truncate(clean_text(feedback.org_name), MAX_NAME) or "-"
    digest = hashlib.sha256(f"{feedback.contact} {unique}".encode("utf-8", "replace")).hexdigest()[:12]
    return {
        "report_domain": feedback.domain or "-",
        "report": f"{feedback.begin:%Y-%m-%d} {kind} {org_name} {digest}",
        "kind": kind,
        "org_name": org_name,
        "report_id": clean_text(feedback.report_id),
        **numbers,
        "content": packed(feedback),
        "expires_at": epoch(feedback.end + KEPT),
    }
