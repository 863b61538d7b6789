"""Decides: every check's result in, the decision out."""

from __future__ import annotations

from typing import Any

from postern_aws import decide_function
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import DecideSettings

configure(DecideSettings)


@entry_point("decide")
def handler(event: Any, context: Any) -> Any:
    """A decide request (see `postern.exchange`) to the decision."""
    return decide_function.decide(event)
