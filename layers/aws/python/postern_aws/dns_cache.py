"""Answers that were had before, for as long as they may be kept, and no more than there is room for."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from postern.dns import DnsAnswer, Question

MAX_SECONDS = 3600.0
"""However long a record says it lasts: a process can live for weeks."""

MAX_NEGATIVE_SECONDS = 300.0
FAILURE_SECONDS = 5.0
"""Trouble is remembered for a moment (RFC 2308 §7), so that checks do not wait for the same dead server in turn."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: DnsAnswer
    until: float


class AnswerCache:
    """The most recently used answers. Safe for threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Question, _Kept] = OrderedDict()
        self._lock = Lock()

    def get(self, question: Question) -> DnsAnswer | None:
        """The answer, if it is known and still good."""
        with self._lock:
            kept = self._kept.get(question)
            if kept is None:
                return None
            if kept.until <= time.monotonic():
                del self._kept[question]
                return None
            self._kept.move_to_end(question)
            return kept.answer

    def put(self, question: Question, answer: DnsAnswer, ttl: float) -> None:
        """Keep an answer for `ttl` seconds or the limit for its kind; 0 does not keep it."""
        limit = FAILURE_SECONDS if answer.failed else MAX_SECONDS if answer.records else MAX_NEGATIVE_SECONDS
        seconds = min(ttl, limit)
        if seconds <= 0:
            return
        with self._lock:
            self._kept[question] = _Kept(answer, time.monotonic() + seconds)
            self._kept.move_to_end(question)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
