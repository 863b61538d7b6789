"""Sends synthetic mail through the filter every day, or when somebody asks, and tells which defences are dead."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws.runtime import configure, entry_point
from postern_aws.self_test_function import SelfTest
from postern_aws.settings import SelfTestSettings


@cache
def _self_test() -> SelfTest:
    return SelfTest.of(configure(SelfTestSettings))


@entry_point("self_test")
def handler(event: Any, context: Any) -> Any:
    """Any event to every defence's health."""
    return _self_test().run()
