"""Lambda in this process: what Lambda refuses is refused here."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postern_local import environment
from postern_local.function_runtime import (
    MARSHAL_ERROR,
    TIMED_OUT,
    TOO_LARGE,
    Answer,
    Deployed,
    FunctionRuntime,
)

SOURCE = """
import os, time
from decimal import Decimal
CALLS = []
def handler(event, context):
    CALLS.append(event)
    match event:
        case {"sleep": seconds}: time.sleep(seconds)
        case {"give": "surrogate"}: return "\\ud800"
        case {"give": "set"}: return {1}
        case {"give": "decimal"}: return Decimal("1.5")
        case {"give": "much"}: return "x" * (7 * 1024 * 1024)
        case {"raise": text}: raise ValueError(text)
    return {"calls": len(CALLS), "who": os.environ["WHO"], "name": context.function_name,
            "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture(autouse=True)
def overlaid_environment() -> Iterator[None]:
    before = os.environ.__class__
    environment.install()
    yield
    os.environ.__class__ = before


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "handler.py").write_text(SOURCE)
    return tmp_path


def deployed(code: Path, name: str = "one", seconds: float = 5.0) -> Deployed:
    return Deployed(name, f"arn:{name}", code, "handler.handler", seconds, 256, {"WHO": name})


def call(code: Path, event: Any, runtime: FunctionRuntime | None = None, **shape: Any) -> Answer:
    return (runtime or FunctionRuntime()).invoke(deployed(code, **shape), json.dumps(event))


def failed(answer: Answer) -> tuple[str, str]:
    assert answer.error == "Unhandled"
    told = json.loads(answer.payload)
    return told["errorType"], told["errorMessage"]


def test_functions_share_code_but_neither_module_nor_environment(code: Path) -> None:
    runtime = FunctionRuntime()
    answers = [json.loads(call(code, {}, runtime, name=name).payload) for name in ("one", "two", "one")]
    assert [(one["calls"], one["who"], one["name"]) for one in answers] == [
        (1, "one", "one"),
        (1, "two", "two"),
        (2, "one", "one"),
    ]
    assert "WHO" not in os.environ


def test_invocations_at_once_keep_their_environments(code: Path) -> None:
    runtime, seen = FunctionRuntime(), []

    def run(name: str) -> None:
        call(code, {"sleep": 0.05}, runtime, name=name)
        seen.append(json.loads(call(code, {}, runtime, name=name).payload)["who"] == name)

    threads = [threading.Thread(target=run, args=(f"f{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 6


def test_the_context_knows_the_time_left(code: Path) -> None:
    assert 4000 < json.loads(call(code, {}, seconds=5.0).payload)["left"] <= 5000


def test_a_function_is_ended_when_its_time_is_over(code: Path) -> None:
    started = time.monotonic()
    assert failed(call(code, {"sleep": 5}, seconds=0.2)) == (TIMED_OUT, "Task timed out after 0.20 seconds")
    assert time.monotonic() - started < 2


def test_what_a_handler_raises_is_the_answer(code: Path) -> None:
    assert failed(call(code, {"raise": "no good"})) == ("ValueError", "no good")


def test_a_module_that_cannot_be_loaded_is_the_answer(tmp_path: Path) -> None:
    assert failed(call(tmp_path, {}))[0] == "FileNotFoundError"


@pytest.mark.parametrize(("give", "kind"), [("surrogate", MARSHAL_ERROR), ("set", MARSHAL_ERROR), ("much", TOO_LARGE)])
def test_answers_that_lambda_cannot_pass_on_are_errors(code: Path, give: str, kind: str) -> None:
    assert failed(call(code, {"give": give}))[0] == kind


def test_decimals_pass_as_numbers(code: Path) -> None:
    assert call(code, {"give": "decimal"}) == Answer("1.5")


def test_a_request_larger_than_lambda_takes_is_refused(code: Path) -> None:
    assert failed(call(code, "x" * (6 * 1024 * 1024)))[0] == "RequestEntityTooLargeException"
