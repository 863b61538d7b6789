"""Learns what is spam and what is not: fed by the learn queue, and called every hour."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws.learn_function import LearnFunction
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import LearnSettings


@cache
def _function() -> LearnFunction:
    return LearnFunction.of(configure(LearnSettings))


@entry_point("learn")
def handler(event: Any, context: Any) -> Any:
    """A batch of the queue's messages, or a scheduled event, to the messages that failed."""
    return _function().run(event)
