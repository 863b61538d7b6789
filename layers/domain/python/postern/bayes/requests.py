"""What is sent to the learn queue: references of messages with one label. Whoever sends it needs no classifier.

A request is one JSON object (`postern.wire`):

    {"label": "spam", "taught_at": 1795372800000, "source": "junk:ann@example.com",
     "messages": [{"key": "mail/ann@example.com/01JD…", "size": 2417, "sha256": "…"}]}

Moving a message into Junk is `spam`, out of it `ham`. `taught_at` is when the person decided, in milliseconds since
1970: requests may come twice and in any order, the latest decision counts.

    WireError    a request that is none
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from postern.model import MessageReference
from postern.wire import WireError, dumps, from_json

MAX_MESSAGES = 100
"""References of one request; SQS takes 256 KiB."""

GLOBAL = "global"
UPLOADS = "learning/uploads/"
READABLE = ("incoming/", "mail/", "quarantine/", UPLOADS)
"""Where messages to learn from lie."""

MAX_SOURCE = 100
_SOURCE = re.compile(r"[a-z][a-z0-9-]{0,19}(?:[:][!-~]{1,79})?")
_LATEST = 253_402_300_799_000


class Label(StrEnum):
    """What a message is said to be; `forgotten` takes back whatever was said."""

    HAM = "ham"
    SPAM = "spam"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """Messages and what somebody says they are.

    `source` is a word, and after a colon who. `automatic`: no person said it; `forced`: the guard is not asked.
    `scope` is whose learning it is: there is one, `global`.
    """

    label: Label
    messages: tuple[MessageReference, ...]
    taught_at: int
    source: str
    automatic: bool = False
    forced: bool = False
    scope: str = GLOBAL


def write_request(request: LearnRequest) -> str:
    """The request as the body of a queue's message."""
    return dumps(request)


def read_request(body: str) -> LearnRequest:
    """A request from the body of a queue's message. Raises `WireError`."""
    try:
        request = from_json(LearnRequest, json.loads(body))
    except (RecursionError, ValueError) as wrong:
        raise WireError(f"a request to learn cannot be read: {wrong}") from wrong
    for broken, text in (
        (not is_source(request.source), "its source is no word"),
        (request.scope != GLOBAL, f"nobody learns for {request.scope!r}"),
        (not 0 < len(request.messages) <= MAX_MESSAGES, f"it has {len(request.messages)} messages"),
        (not 0 <= request.taught_at <= _LATEST, "its time is no time"),
        (not all(one.key.startswith(READABLE) for one in request.messages), "a message lies where none are"),
    ):
        if broken:
            raise WireError(f"a request to learn cannot be read: {text}")
    return request


def is_source(text: str) -> bool:
    """Whether a text can name who taught: a word, and after a colon who."""
    return len(text) <= MAX_SOURCE and _SOURCE.fullmatch(text) is not None
