"""Delivers what was committed: fed by the stream of the Outbox."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws import delivery_function
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import DeliverySettings


@cache
def _services() -> delivery_function.Services:
    return delivery_function.services(configure(DeliverySettings))


@entry_point("deliver_message")
def handler(event: Any, context: Any) -> Any:
    """A batch of stream records to the records that failed."""
    return delivery_function.deliver_records(event, _services().delivery)
