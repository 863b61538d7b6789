"""Receipts: how each decision came about, kept for 90 days.

A row has words to filter on, and `content` with everything else as gzipped JSON: the transaction, the decision and
every check's result. The index `by_domain` lists the receipts of a recipient domain by time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.disposition import points_text
from postern.exchange import Answer
from postern.model import Decision, Disposition, RecipientDecision, Transaction
from postern.ports import Unavailable
from postern.wire import clean_text, from_json, to_json, truncate
from postern_aws.items import epoch, from_item, packed, to_item, unpacked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Json = Any

BY_DOMAIN_INDEX = "by_domain"
KEPT = timedelta(days=90)
MAX_CONTENT_OCTETS = 300 * 1024
MAX_WORDS = 500
MAX_RECIPIENTS_LISTED = 20
MAX_LISTED = 1_000
"""Receipts of one list."""

_CUT = "cut"
_SEVERITY = tuple(Disposition)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One decision, explained. `results` are the checks' results as JSON data, by check id."""

    transaction: Transaction
    decision: Decision
    results: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class DynamoReceipts:
    """The table of receipts. Implements `filter_machine.ReceiptKeeper`; `report` is told what could not be kept."""

    client: DynamoDBClient
    table: str
    report: Callable[[str, Exception], None] | None = None

    def keep(self, transaction: Transaction, answer: Answer) -> None:
        """Keep a receipt. Trouble is reported, not raised: an explanation lost is no reason to lose mail."""
        row = _row(Receipt(transaction, answer.decision, answer.results))
        try:
            self.client.put_item(TableName=self.table, Item=to_item(row))
        except (BotoCoreError, ClientError) as trouble:
            if self.report is not None:
                self.report(transaction.transaction_id, trouble)

    def read(self, transaction_id: str) -> Receipt | None:
        """The receipt of a transaction, or `None`. Raises `Unavailable`, `WireError`."""
        try:
            answer = self.client.get_item(
                TableName=self.table, Key=to_item({"transaction_id": transaction_id}), ConsistentRead=True
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the receipts cannot be read") from trouble
        if "Item" not in answer:
            return None
        content = unpacked(from_item(answer["Item"])["content"])
        return Receipt(
            from_json(Transaction, content["transaction"]),
            from_json(Decision, content["decision"]),
            content["results"],
        )

    def newest(self, recipient_domain: str, limit: int) -> tuple[str, ...]:
        """The ids of the newest transactions for a recipient domain, newest first. Raises `Unavailable`."""
        rows = self._newest_rows(recipient_domain)
        return tuple(str(row["transaction_id"]) for _, row in zip(range(min(limit, MAX_LISTED)), rows, strict=False))

    def newest_of_all(self, limit: int) -> tuple[str, ...]:
        """The ids of the newest transactions of all domains, newest first; reads the keys of the whole index.

        Raises `Unavailable`.
        """
        rows = sorted(self._every_key(), key=lambda row: str(row["received_at"]), reverse=True)
        return tuple(str(row["transaction_id"]) for row in rows[: min(limit, MAX_LISTED)])

    def _newest_rows(self, recipient_domain: str) -> Iterator[dict[str, Any]]:
        query: Any = {
            "TableName": self.table,
            "IndexName": BY_DOMAIN_INDEX,
            "KeyConditionExpression": "recipient_domain = :domain",
            "ExpressionAttributeValues": to_item({":domain": recipient_domain}),
            "ScanIndexForward": False,
        }
        return self._pages(lambda **start: self.client.query(**query, **start))

    def _every_key(self) -> Iterator[dict[str, Any]]:
        return self._pages(lambda **start: self.client.scan(TableName=self.table, IndexName=BY_DOMAIN_INDEX, **start))

    @staticmethod
    def _pages(ask: Callable[..., Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            try:
                page = ask(**start)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable("the receipts cannot be read") from trouble
            yield from (from_item(item) for item in page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _row(receipt: Receipt) -> dict[str, object]:
    transaction, decision = receipt.transaction, receipt.decision
    addresses = [recipient.address for recipient in transaction.recipients]
    reply = decision.reply
    return {
        "transaction_id": transaction.transaction_id,
        "received_at": _sortable(transaction.received_at),
        "recipient_domain": addresses[0].rpartition("@")[2] if addresses else "-",
        "recipients": [_words(address) for address in addresses[:MAX_RECIPIENTS_LISTED]],
        "reverse_path": _words(transaction.reverse_path or "<>"),
        "client_ip": transaction.client_ip,
        "direction": transaction.direction.value,
        "disposition": _severest(decision.recipients).value,
        "score": points_text(max((one.score for one in decision.recipients), default=0)),
        "reply": _words(f"{reply.code} {reply.enhanced or ''} {reply.text}"),
        "policy_version": decision.policy_version,
        "content": _content(receipt),
        "expires_at": epoch(transaction.received_at + KEPT),
    }


def _content(receipt: Receipt) -> bytes:
    """Everything, or what fits: first the looked-up records and properties go, then the recipients' own headers."""
    content = packed({"transaction": receipt.transaction, "decision": receipt.decision, "results": receipt.results})
    if len(content) <= MAX_CONTENT_OCTETS:
        return content
    results = {check_id: _without_details(result) for check_id, result in receipt.results.items()}
    recipients = tuple(replace(one, headers=()) for one in receipt.decision.recipients)
    decision = replace(receipt.decision, recipients=recipients)
    return packed({"transaction": receipt.transaction, "decision": decision, "results": results})


def _without_details(result: Json) -> Json:
    kept = {name: value for name, value in result.items() if name not in ("lookups", "properties", "evidence")}
    return {**kept, "properties": {_CUT: True}}


def _severest(recipients: tuple[RecipientDecision, ...]) -> Disposition:
    return max((one.disposition for one in recipients), key=_SEVERITY.index, default=Disposition.ACCEPT)


def _sortable(moment: datetime) -> str:
    """RFC 3339 with the same number of digits always, so that text sorts as time does."""
    text: str = to_json(moment.replace(microsecond=0))
    return f"{text[:19]}.{moment.microsecond // 1000:03d}Z"


def _words(text: str) -> str:
    return truncate(clean_text(text), MAX_WORDS)
