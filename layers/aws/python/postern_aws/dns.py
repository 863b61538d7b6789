"""The DNS: asks recursive name servers, over UDP and where an answer is too large for that over TCP.

What a question came to is always a `DnsAnswer`; nothing is raised. Questions end at the deadline.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from postern.dns import DnsAnswer, DnsStatus, Question, canonical_name
from postern_aws.dns_cache import FAILURE_SECONDS, AnswerCache
from postern_aws.dns_records import record_text, to_wire_name

ATTEMPT_SECONDS = 2.5
"""How long one server is waited for before the next is asked."""

QUESTION_SECONDS = 6.0
"""How long one question may take with all attempts."""

EDNS_PAYLOAD = 1232
"""Octets of a UDP answer that pass everywhere unfragmented (DNS flag day 2020)."""

QUESTIONS_AT_ONCE = 16
CACHED_ANSWERS = 2_000
MAX_RECORDS = 200
RESOLV_CONF = Path("/etc/resolv.conf")
_ROUNDS = 2
_MAX_SERVERS = 3  # resolv.conf(5)
_SETTLED = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class NameServers:
    """Recursive name servers, in the order in which they are asked."""

    addresses: tuple[str, ...]
    port: int = 53


@cache
def system_name_servers() -> NameServers:
    """The servers that the system names; the local one when it names none, as resolv.conf(5) has it."""
    try:
        lines = RESOLV_CONF.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [words[1] for words in map(str.split, lines) if len(words) > 1 and words[0] == "nameserver"]
    return NameServers(tuple(named[:_MAX_SERVERS]) or ("127.0.0.1",))


@dataclass(frozen=True, slots=True)
class SystemResolver:
    """Asks the name servers of the system, or the given ones. Implements `ports.Resolver`.

    `deadline` is an aware time after which nothing is asked any more. Answers are shared by all resolvers of the
    process that ask the same servers.
    """

    deadline: datetime | None = None
    servers: NameServers = field(default_factory=system_name_servers)
    attempt_seconds: float = ATTEMPT_SECONDS
    question_seconds: float = QUESTION_SECONDS

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask one question."""
        wire_name = to_wire_name(name)
        if wire_name is None:
            return DnsAnswer(DnsStatus.INVALID_NAME)
        question = Question(canonical_name(name), rdtype)
        known = _answers(self.servers).get(question)
        return known if known is not None else self._ask(question, wire_name)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """Ask several questions at once; each distinct one once."""
        distinct = list(dict.fromkeys(questions))
        if len(distinct) <= 1:
            answers = [self.query(one.name, one.rdtype) for one in distinct]
        else:
            answers = list(_pool().map(lambda one: self.query(one.name, one.rdtype), distinct))
        found = dict(zip(distinct, answers, strict=True))
        return tuple(found[question] for question in questions)

    def _ask(self, question: Question, wire_name: dns.name.Name) -> DnsAnswer:
        seconds = self._seconds_left()
        request = dns.message.make_query(wire_name, question.rdtype, use_edns=0, payload=EDNS_PAYLOAD)
        answer, ttl = self._settle(request, time.monotonic() + seconds)
        # What our own deadline cut short says nothing about the name.
        if not answer.failed or seconds >= self.question_seconds:
            _answers(self.servers).put(question, answer, ttl)
        return answer

    def _seconds_left(self) -> float:
        if self.deadline is None:
            return self.question_seconds
        return min(self.question_seconds, (self.deadline - datetime.now(UTC)).total_seconds())

    def _settle(self, request: dns.message.QueryMessage, end: float) -> tuple[DnsAnswer, float]:
        """The answer and for how many seconds it may be kept. A server that answered with a failure is asked once."""
        status, broken = DnsStatus.TIMEOUT, set[str]()
        for address in self.servers.addresses * _ROUNDS:
            seconds = min(end - time.monotonic(), self.attempt_seconds)
            if seconds <= 0:
                break
            if address in broken:
                continue
            try:
                settled = self._exchange(request, address, seconds)
            except dns.exception.Timeout:
                continue
            except (dns.exception.DNSException, OSError):
                settled = None
            if settled is not None:
                return settled
            status = DnsStatus.SERVFAIL
            broken.add(address)
        return DnsAnswer(status), FAILURE_SECONDS

    def _exchange(
        self, request: dns.message.QueryMessage, address: str, seconds: float
    ) -> tuple[DnsAnswer, float] | None:
        """What one server says; `None` when it says that it cannot."""
        response, _ = dns.query.udp_with_fallback(
            request, address, timeout=seconds, port=self.servers.port, ignore_unexpected=True, ignore_errors=True
        )
        if not isinstance(response, dns.message.QueryMessage) or response.rcode() not in _SETTLED:
            return None
        return _read(response)


def _read(response: dns.message.QueryMessage) -> tuple[DnsAnswer, float]:
    """What a settled response says; the chain of aliases is followed as the server gave it."""
    chain = response.resolve_chaining()
    if chain.answer is None:
        missing = response.rcode() == dns.rcode.NXDOMAIN
        return DnsAnswer(DnsStatus.NXDOMAIN if missing else DnsStatus.NO_DATA), chain.minimum_ttl
    records = tuple(record_text(rdata) for rdata in list(chain.answer)[:MAX_RECORDS])
    return DnsAnswer(DnsStatus.FOUND, records), chain.minimum_ttl


@cache
def _answers(servers: NameServers) -> AnswerCache:
    """The answers that these servers gave, for the whole process."""
    return AnswerCache(CACHED_ANSWERS)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(QUESTIONS_AT_ONCE, "dns")
