"""The wrapper around every handler: what it logs, and how a function fails."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from postern_aws import metrics
from postern_aws.runtime import FunctionFailed, entry_point, logged_with, logger

EVENT = {"transaction": {"transaction_id": "t1"}}


@pytest.fixture
def lines() -> Iterator[None]:
    """Keep what is logged."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(io.StringIO())
    logger.setLevel("INFO")
    yield
    handler.setStream(before or io.StringIO())


def logged() -> list[dict[str, Any]]:
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    return [json.loads(line) for line in handler.stream.getvalue().splitlines()]


@pytest.mark.usefixtures("lines")
def test_every_line_carries_the_transaction_and_the_function() -> None:
    @entry_point("decide")
    def handler(event: Any, context: Any) -> str:
        logger.info("working")
        return "done"

    assert handler(EVENT, None) == "done"
    (line,) = logged()
    assert (line["message"], line["transaction_id"], line["function"]) == ("working", "t1", "decide")


@pytest.mark.usefixtures("lines")
def test_a_failure_is_logged_with_its_cause_and_raised_without() -> None:
    @entry_point("decide")
    def handler(event: Any, context: Any) -> str:
        raise ValueError("ann@example.com wrote this")

    with pytest.raises(FunctionFailed, match=r"^decide: ValueError$"):
        handler(EVENT, None)
    (line,) = logged()
    assert line["level"] == "ERROR"
    assert line["transaction_id"] == "t1"
    assert "ann@example.com wrote this" in line["exception"]


@pytest.mark.usefixtures("lines")
def test_keys_are_the_threads_own_and_end_with_their_block() -> None:
    def work(number: int) -> None:
        with logged_with(transaction_id=f"t{number}"):
            logger.info("working", number=number)

    with logged_with(request="r"), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: copy_context().run(work, n), range(64)))
    logger.info("after")
    *during, after = logged()
    assert all(line["transaction_id"] == f"t{line['number']}" for line in during)
    assert "transaction_id" not in after
    assert "request" not in after


def test_a_metric_is_one_line_that_cloudwatch_reads(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.emit({metrics.FILTER_MILLISECONDS: 12.5}, transaction_id="t1")
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Postern",
        "Dimensions": [[]],
        "Metrics": [{"Name": "FilterMilliseconds", "Unit": "Milliseconds"}],
    }
    assert (line["FilterMilliseconds"], line["transaction_id"]) == (12.5, "t1")
