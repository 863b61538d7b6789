"""Function URLs on one machine: a request becomes the event that Lambda makes of it, and the answer a response."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from postern_local import template_resources
from postern_local.embedded_aws import EmbeddedAws
from postern_local.function_urls import FunctionUrls


class Function:
    """Remembers what it was invoked with."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.answer: Any = {"statusCode": 404, "headers": {"Cache-Control": "no-store"}, "body": "gone \u2713"}

    def __call__(self, name: str, event: Any) -> Any:
        self.events.append((name, event))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def url(function: Function) -> Iterator[str]:
    urls = FunctionUrls()
    urls.invoke = function
    yield urls.add("ThawUrl", "Postern-Thaw")
    urls.close()


def ask(url: str, method: str, path: str = "", body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request(method, parts.path + path, body)
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return found


def test_a_request_is_an_event_and_the_answer_a_response(url: str, function: Function) -> None:
    status, headers, body = ask(url, "GET", "?t=abc&x=%20")
    assert (status, headers["Cache-Control"], body.decode()) == (404, "no-store", "gone \u2713")
    ((name, event),) = function.events
    assert name == "Postern-Thaw"
    assert event["rawQueryString"] == "t=abc&x=%20"
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["isBase64Encoded"] is False
    assert "body" not in event


def test_a_body_comes_encoded(url: str, function: Function) -> None:
    ask(url, "POST", body=b"t=abc")
    ((_, event),) = function.events
    assert base64.b64decode(event["body"]) == b"t=abc"
    assert event["isBase64Encoded"] is True


def test_head_has_no_body(url: str) -> None:
    status, headers, body = ask(url, "HEAD")
    assert (status, body) == (404, b"")
    assert int(headers["Content-Length"]) > 0


def test_a_function_that_fails_is_a_bad_gateway(url: str, function: Function) -> None:
    function.answer = RuntimeError("secret detail")
    status, _, body = ask(url, "GET")
    assert status == 502
    assert b"secret" not in body


def test_an_embedded_aws_that_stops_hears_no_more_requests(tmp_path: Path) -> None:
    template_resources.function_urls.invoke = Function()
    url = template_resources.function_urls.add("ThawUrl", "Postern-Thaw")
    assert ask(url, "GET")[0] == 404
    EmbeddedAws(tmp_path, tmp_path).stop()
    with pytest.raises(ConnectionRefusedError):
        ask(url, "GET")


def test_other_paths_are_nobodys(url: str, function: Function) -> None:
    assert ask(url, "GET", "other")[0] == 404
    assert function.events == []
