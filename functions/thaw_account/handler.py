"""Lets a frozen account send again: for whoever opens the link of a notice, or calls the function with its address."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws.runtime import configure, entry_point
from postern_aws.settings import ThawSettings
from postern_aws.thaw_function import ThawFunction


@cache
def _thaw() -> ThawFunction:
    return ThawFunction.of(configure(ThawSettings))


@entry_point("thaw_account")
def handler(event: Any, context: Any) -> Any:
    """A request by HTTP to a page, or `{"thaw": address}` to what was done."""
    return _thaw().answer(event)
