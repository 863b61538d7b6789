"""The servers of a domain, in the order in which they are tried (RFC 5321 §5.1, RFC 7505).

Where a domain has no server, the answer says whether that is so for good (`NoHosts.is_final`) or could not be asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postern.dns import DnsAnswer, DnsStatus, Question, canonical_name
from postern.networks import is_internal, known_address
from postern.ports import Resolver

MAX_HOSTS = 5
MAX_ADDRESSES = 4
"""Servers of a domain that are tried in one attempt, and addresses of each."""

MAX_EXCHANGES = 50
"""Records of a domain that are looked at."""

NULL_MX = "."
_IPV6_TAG = "ipv6:"


@dataclass(frozen=True, slots=True)
class MailHost:
    """A server and its addresses, all of which may be connected to."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoHosts:
    """Why there is no server to try: a reply as a server would give it, and whether it stays so."""

    reply: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class _Exchange:
    preference: int
    name: str


@dataclass(frozen=True, slots=True)
class HostFinder:
    """Finds the servers of domains. `own_names` are the names under which we receive mail ourselves."""

    resolver: Resolver
    own_names: frozenset[str]
    takes_private: bool = False

    def find(self, domain: str, spread: str) -> tuple[MailHost, ...] | NoHosts:
        """The servers of a domain or address literal, best first; `spread` decides between equal ones."""
        if domain.startswith("["):
            return self._literal(domain)
        answer = self.resolver.query(domain, "MX")
        if answer.failed:
            return _temporary(f"451 4.4.3 the DNS does not say which servers {domain} has ({answer.status})")
        if answer.status in (DnsStatus.NXDOMAIN, DnsStatus.INVALID_NAME):
            return _final(f"550 5.1.2 there is no domain {domain}")
        exchanges = _exchanges(answer) if answer.records else (_Exchange(0, canonical_name(domain)),)
        return self._of(domain, exchanges, spread)

    def _of(self, domain: str, exchanges: Sequence[_Exchange], spread: str) -> tuple[MailHost, ...] | NoHosts:
        if any(one.name == NULL_MX for one in exchanges):
            return _final(f"556 5.1.10 {domain} takes no mail (null MX)")
        better = _before_ourselves(exchanges, self.own_names)
        if not better:
            return _final(f"554 5.4.6 mail for {domain} would come back to ourselves")
        ordered = sorted(better, key=lambda one: (one.preference, _lot(spread, one.name)))
        return self._with_addresses(domain, [one.name for one in ordered])

    def _with_addresses(self, domain: str, names: Sequence[str]) -> tuple[MailHost, ...] | NoHosts:
        names = names[:MAX_HOSTS]
        questions = [Question(name, rdtype) for name in names for rdtype in ("A", "AAAA")]
        answers = dict(zip(questions, self.resolver.query_all(questions), strict=True))
        found = [(name, answers[Question(name, "A")], answers[Question(name, "AAAA")]) for name in names]
        hosts = tuple(
            MailHost(name, usable) for name, *both in found if (usable := tuple(self._usable(both))[:MAX_ADDRESSES])
        )
        if hosts:
            return hosts
        if any(answer.failed for _, *both in found for answer in both):
            return _temporary(f"451 4.4.3 the DNS does not say where the servers of {domain} are")
        if any(answer.records for _, *both in found for answer in both):
            return _final(f"550 5.4.4 the servers of {domain} have no address on the Internet")
        return _final(f"550 5.4.4 no server of {domain} has an address")

    def _usable(self, answers: Sequence[DnsAnswer]) -> Iterator[str]:
        """Addresses that may be connected to, IPv4 before IPv6."""
        return (text for answer in answers for text in answer.records if self._may_connect(text))

    def _may_connect(self, text: str) -> bool:
        """Not to where only our own network is: a domain's owner could make us talk to our neighbours."""
        address = known_address(text)
        return address is not None and (self.takes_private or not is_internal(address))

    def _literal(self, domain: str) -> tuple[MailHost, ...] | NoHosts:
        """An address literal (RFC 5321 §4.1.3) is its own server."""
        text = domain[1:-1]
        if text.lower().startswith(_IPV6_TAG):
            text = text[len(_IPV6_TAG) :]
        if not domain.endswith("]") or not self._may_connect(text):
            return _final(f"550 5.1.2 mail cannot be sent to {domain}")
        return (MailHost(domain, (text,)),)


def _exchanges(answer: DnsAnswer) -> tuple[_Exchange, ...]:
    return tuple(_Exchange(*_read(text)) for text in answer.records[:MAX_EXCHANGES])


def _read(text: str) -> tuple[int, str]:
    """`10 mail.example.com` (see `postern.dns`)."""
    preference, _, name = text.partition(" ")
    return int(preference), name if name == NULL_MX else canonical_name(name)


def _before_ourselves(exchanges: Sequence[_Exchange], own_names: frozenset[str]) -> list[_Exchange]:
    """The servers that are preferred to us; all others would send the message back here (RFC 5321 §5.1)."""
    ours = [one.preference for one in exchanges if one.name in own_names]
    return [one for one in exchanges if not ours or one.preference < min(ours)]


def _lot(spread: str, name: str) -> bytes:
    """Servers of equal preference share the load; the same attempt finds the same order."""
    return hashlib.sha256(f"{spread} {name}".encode()).digest()


def _final(reply: str) -> NoHosts:
    return NoHosts(reply, is_final=True)


def _temporary(reply: str) -> NoHosts:
    return NoHosts(reply, is_final=False)
