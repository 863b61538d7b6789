"""What the DNS says about a client and the domains it names: RFC 8601 §3, RFC 1912 §2.1, RFC 7505.

All questions are asked in two rounds, each at once: the client's names and the domains' records first, then the
addresses of what those named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postern.dns import DnsAnswer, DnsStatus, Question
from postern.model import ResultWord
from postern.networks import IPAddress, known_address
from postern.ports import Resolver

MAX_POINTER_NAMES = 10
MAX_EXCHANGES = 10
NULL_MX = "."
_TYPES = ("MX", "A", "AAAA")
_ABSENT_NAME = (DnsStatus.NXDOMAIN, DnsStatus.INVALID_NAME)


class DomainState(StrEnum):
    """What the records of a domain say."""

    MATCH = "match"
    """The client is among its hosts: addresses of its own or of its mail exchanges."""
    MISMATCH = "mismatch"
    """It has hosts; the client is none of them."""
    NULL_MX = "null mx"
    """It says that it takes no mail (RFC 7505)."""
    UNREACHABLE = "unreachable"
    """It exists, but has neither MX nor A nor AAAA."""
    MISSING = "missing"
    """It does not exist."""
    TEMPERROR = "temperror"
    """The DNS did not answer."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The client's PTR names and those that lead back to it; `result` as RFC 8601 §2.7.3 words it.

    No PTR record at all is `permerror` there.
    """

    result: ResultWord
    names: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookupReport:
    """What was found out about the client (`None` when it was not asked) and about each domain."""

    pointer: Pointer | None
    domains: Mapping[str, DomainState]


@dataclass(frozen=True, slots=True)
class _Records:
    """The answers for one domain."""

    exchanges: DnsAnswer
    ipv4: DnsAnswer
    ipv6: DnsAnswer

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        return (self.exchanges, self.ipv4, self.ipv6)

    def exchange_names(self) -> tuple[str, ...]:
        names = (record.partition(" ")[2] for record in self.exchanges.records[:MAX_EXCHANGES])
        return tuple(name for name in names if name not in ("", NULL_MX))

    @property
    def refuses_mail(self) -> bool:
        """A single MX that names the root (RFC 7505 §3)."""
        exchanges = self.exchanges.records
        return len(exchanges) == 1 and exchanges[0].partition(" ")[2] == NULL_MX


def look_up(
    client: IPAddress, domains: Sequence[str], resolver: Resolver, *, with_pointer: bool = True
) -> LookupReport:
    """Ask for the client's names and for the hosts of each of `domains` (distinct, in ASCII)."""
    pointer_questions = [Question(client.reverse_pointer, "PTR")] if with_pointer else []
    domain_questions = [Question(domain, rdtype) for domain in domains for rdtype in _TYPES]
    answers = resolver.query_all([*pointer_questions, *domain_questions])
    pointers, rest = answers[: len(pointer_questions)], answers[len(pointer_questions) :]
    records = {domain: _Records(*rest[3 * at : 3 * at + 3]) for at, domain in enumerate(domains)}
    names = pointers[0].records[:MAX_POINTER_NAMES] if pointers else ()
    exchanges = (name for one in records.values() for name in one.exchange_names())
    hosts = _hosts(client, [*names, *exchanges], resolver)
    return LookupReport(
        pointer=_pointer(pointers[0], names, client, hosts) if pointers else None,
        domains={domain: _state(one, client, hosts) for domain, one in records.items()},
    )


def _hosts(client: IPAddress, names: Iterable[str], resolver: Resolver) -> dict[str, DnsAnswer]:
    """The answers for each name's addresses, of the client's family."""
    distinct = list(dict.fromkeys(names))
    rdtype = "A" if client.version == 4 else "AAAA"
    answers = resolver.query_all([Question(name, rdtype) for name in distinct])
    return dict(zip(distinct, answers, strict=True))


def _pointer(answer: DnsAnswer, names: tuple[str, ...], client: IPAddress, hosts: Mapping[str, DnsAnswer]) -> Pointer:
    if answer.failed:
        return Pointer(ResultWord.TEMPERROR)
    if not names:
        return Pointer(ResultWord.PERMERROR)
    confirmed = tuple(name for name in names if _names_client(hosts[name], client))
    if confirmed:
        return Pointer(ResultWord.PASS, names, confirmed)
    unanswered = any(hosts[name].failed for name in names)
    return Pointer(ResultWord.TEMPERROR if unanswered else ResultWord.FAIL, names)


def _state(records: _Records, client: IPAddress, hosts: Mapping[str, DnsAnswer]) -> DomainState:
    if not any(answer.records for answer in records.answers):
        return _state_without_records(records)
    if records.refuses_mail:
        return DomainState.NULL_MX
    answers = [*records.answers, *(hosts[name] for name in records.exchange_names())]
    if any(_names_client(answer, client) for answer in answers):
        return DomainState.MATCH
    return DomainState.TEMPERROR if any(answer.failed for answer in answers) else DomainState.MISMATCH


def _state_without_records(records: _Records) -> DomainState:
    if any(answer.failed for answer in records.answers):
        return DomainState.TEMPERROR
    if all(answer.status in _ABSENT_NAME for answer in records.answers):
        return DomainState.MISSING
    return DomainState.UNREACHABLE


def _names_client(answer: DnsAnswer, client: IPAddress) -> bool:
    return any(known_address(record) == client for record in answer.records)
