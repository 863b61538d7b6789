"""Looks every minute for accepted mail that did not get on."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws import delivery_function
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import DeliverySettings


@cache
def _services() -> delivery_function.Services:
    return delivery_function.services(configure(DeliverySettings))


@entry_point("sweep")
def handler(event: Any, context: Any) -> Any:
    """A scheduled event to the counts of what was found."""
    return delivery_function.sweep(_services())
