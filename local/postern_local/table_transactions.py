"""TransactWriteItems as DynamoDB does it: every condition first, then every change, or none.

moto copies whole tables before each transaction, which grows with what they hold, and puts the copies back on failure.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.dynamodb.comparisons import create_condition_expression_parser
from moto.dynamodb.exceptions import (
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
)

MAX_OPERATIONS = 100

Operation = dict[str, Any]
Reason = tuple[str | None, str | None, Any]


def transact_write_items(backend: Any, transact_items: list[Operation]) -> None:
    """Carry out all operations or none. Raises as moto does, with a reason for each operation."""
    if len(transact_items) > MAX_OPERATIONS:
        raise TooManyTransactionsException
    operations = [next(iter(item.items())) for item in transact_items]
    _refuse_repeated_rows(backend, operations)
    reasons = [_reason(backend, details, kind) for kind, details in operations]
    if any(code for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)
    _apply_all(backend, operations)


def _apply_all(backend: Any, operations: list[tuple[str, Operation]]) -> None:
    before = [copy.deepcopy(_row(backend, details, kind)) for kind, details in operations]
    for at, (kind, details) in enumerate(operations):
        try:
            _apply(backend, kind, details)
        except Exception:
            for (done_kind, done), row in zip(operations[:at], before, strict=False):
                _undo(backend, done_kind, done, row)
            raise


def _apply(backend: Any, kind: str, details: Operation) -> None:
    names, values = details.get("ExpressionAttributeNames"), details.get("ExpressionAttributeValues")
    match kind:
        case "Put":
            backend.put_item(details["TableName"], details["Item"])
        case "Delete":
            backend.delete_item(details["TableName"], details["Key"])
        case "Update":
            backend.update_item(
                details["TableName"],
                details["Key"],
                update_expression=details["UpdateExpression"],
                expression_attribute_names=names,
                expression_attribute_values=values,
            )
        case "ConditionCheck":
            return
        case _:
            raise MockValidationException(f"{kind} is no operation of a transaction")


def _undo(backend: Any, kind: str, details: Operation, row: Any) -> None:
    if kind == "ConditionCheck":
        return
    if row is None:
        backend.delete_item(details["TableName"], _key(backend, details, kind))
    else:
        backend.put_item(details["TableName"], row.to_json()["Attributes"])


def _reason(backend: Any, details: Operation, kind: str) -> Reason:
    row = _row(backend, details, kind)
    condition = create_condition_expression_parser(
        details.get("ConditionExpression"),
        details.get("ExpressionAttributeNames"),
        details.get("ExpressionAttributeValues"),
    ).parse()
    if condition.expr(row):
        return None, None, None
    wanted = details.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and row is not None
    return "ConditionalCheckFailed", "The conditional request failed", row.to_json()["Attributes"] if wanted else None


def _refuse_repeated_rows(backend: Any, operations: list[tuple[str, Operation]]) -> None:
    places = [(details["TableName"], str(sorted(_key(backend, details, kind).items()))) for kind, details in operations]
    if len(set(places)) < len(places):
        raise MultipleTransactionsException


def _row(backend: Any, details: Operation, kind: str) -> Any:
    return backend.get_item(details["TableName"], _key(backend, details, kind))


def _key(backend: Any, details: Operation, kind: str) -> dict[str, Any]:
    if kind != "Put":
        return dict(details["Key"])
    table = backend.get_table(details["TableName"])
    return {name: details["Item"][name] for name in (table.hash_key_attr, table.range_key_attr) if name}
