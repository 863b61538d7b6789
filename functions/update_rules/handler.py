"""Fetches the channel of stock rules every day, or when somebody asks, and puts rule files in force as they are.

Then it makes the database that runs them fast, on the same kind of processor as that of the checks.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws.runtime import configure, entry_point
from postern_aws.settings import UpdateRulesSettings
from postern_aws.update_rules_function import UpdateRules


@cache
def _update() -> UpdateRules:
    return UpdateRules.of(configure(UpdateRulesSettings))


@entry_point("update_rules")
def handler(event: Any, context: Any) -> Any:
    """Any event to what is in force; `only` says what of it to do."""
    return _update().answer(event)
