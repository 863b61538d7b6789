"""Handlers, loaded as Lambda loads them: by path, in an environment of their own."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
EVENTS = ROOT / "events"

Handler = Callable[[Any], Any]
"""From an event to the answer."""


@dataclass(frozen=True, slots=True)
class Context:
    """What of Lambda's context our handlers look at."""

    aws_request_id: str = "request-1"


def load_handler(function: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The handler of a function, its module fresh, with this environment and JSON between us as in Lambda."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location(f"handler_of_{function}", FUNCTIONS / function / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(event: Any) -> Any:
        return json.loads(json.dumps(module.handler(json.loads(json.dumps(event)), Context())))

    return call


def read_event(name: str) -> Any:
    """A sample event by its file name without the ending."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
