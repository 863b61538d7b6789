"""Where a copy goes next: the recipient's own server, the smarthost, SES, or the servers that the DNS names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postern.model import Route
from postern.outgoing.mail_hosts import HostFinder, MailHost, NoHosts
from postern.outgoing.policy import SECTION, OutgoingPolicy, OutgoingRoute
from postern.outgoing.target import RelayTarget
from postern.policy_compiler import Snapshot
from postern.ports import Resolver
from postern.recipients import canonical_domain
from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.answer import Answer, Outcome, deferred
from postern_frontend.relay.attempt import NextHop

NO_TARGET = "no relay target is known for the domain"
SES = "Amazon SES"


@dataclass(frozen=True, slots=True)
class BySes:
    """Through SES, by a configuration set if one is named."""

    configuration_set: str = ""


Way = tuple[NextHop, ...] | BySes | Answer
"""Servers in their order, SES, or what there is to say without asking anybody."""


@dataclass(frozen=True, slots=True)
class Router:
    """Finds the way of copies. `hostname` is the name under which we receive mail ourselves."""

    make_resolver: Callable[[], Resolver]
    hostname: str

    def way(self, copy: RelayCopy, snapshot: Snapshot, policy: OutgoingPolicy) -> Way:
        """The way of a copy, by the settings of its sender."""
        if copy.route is not Route.REMOTE:
            domain = snapshot.domains.get(_domain_of(copy.recipient))
            target = domain.target if domain else None
            return (NextHop(target),) if target else deferred(NO_TARGET)
        if policy.problem:
            return deferred(policy.problem)
        match policy.route:
            case OutgoingRoute.SMARTHOST:
                return (NextHop(policy.smarthost),)
            case OutgoingRoute.SES:
                return BySes(policy.ses_configuration_set)
            case OutgoingRoute.MX:
                return self._by_dns(copy, policy)

    def _by_dns(self, copy: RelayCopy, policy: OutgoingPolicy) -> Way:
        domain = copy.recipient.rpartition("@")[2]
        name = domain if domain.startswith("[") else canonical_domain(domain)
        finder = HostFinder(self.make_resolver(), frozenset({self.hostname.lower()}), policy.private_hosts)
        found = finder.find(name, copy.transaction_id) if name else NoHosts("550 5.1.2 the domain has no name", True)
        if isinstance(found, NoHosts):
            return Answer(Outcome.REFUSED if found.is_final else Outcome.DEFERRED, found.reply)
        return tuple(_hop(host, policy) for host in found)


def outgoing_policy(snapshot: Snapshot, address: str | None) -> OutgoingPolicy:
    """The settings for mail that an address sends. Raises `PolicyError`."""
    return snapshot.book.section_of(_domain_of(address or ""), SECTION, OutgoingPolicy)


def sending_address(copy: RelayCopy) -> str | None:
    """The address whose domain's settings count: the account's, else that of the reverse-path."""
    return copy.account or (copy.report.sender or copy.reverse_path or "").lower() or None


def crowd(recipient: str, snapshot: Snapshot, policy: OutgoingPolicy) -> str:
    """What copies have in common that get in each other's way: the server, as far as it is known without asking."""
    name = _domain_of(recipient)
    domain = snapshot.domains.get(name)
    if domain is not None:
        return domain.target.host if domain.target else ""
    match policy.route:
        case OutgoingRoute.SMARTHOST:
            return policy.smarthost_host
        case OutgoingRoute.SES:
            return SES
        case OutgoingRoute.MX:
            return name


def _hop(host: MailHost, policy: OutgoingPolicy) -> NextHop:
    name = host.addresses[0] if host.name.startswith("[") else host.name
    return NextHop(RelayTarget(name, policy.mx_port, policy.mx_tls), host.addresses)


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
