"""Where a domain owner's reports may go: nobody is sent reports that he did not agree to (RFC 9990 §4).

An address in another organization than the policy's must be approved there, by a record at
`<policy domain>._report._dmarc.<destination>`. Otherwise anybody could let reports rain on anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from postern.dmarc.records import DmarcRecord, is_record, read_record
from postern.dmarc.tree_walk import TreeWalker
from postern.dmarc_reports.counting import MAX_URIS, PublishedPolicy
from postern.dns import DnsAnswer, DnsStatus
from postern.mime.domain_labels import to_ascii_domain
from postern.ports import Resolver

_COULD_NOT_ASK = frozenset({DnsStatus.TIMEOUT, DnsStatus.SERVFAIL, DnsStatus.NOT_ASKED})
_MAILTO = "mailto:"


class Standing(StrEnum):
    """Whether a destination gets reports, and why not."""

    OWN = "own"
    """It is of the policy domain's organization."""
    APPROVED = "approved"
    """It is elsewhere, and agreed."""
    REFUSED = "refused"
    """It is elsewhere, and did not agree."""
    UNKNOWN = "unknown"
    """Whether it agreed could not be asked now."""
    SUPPRESSED = "suppressed"
    """Our postmaster sends it nothing."""
    UNUSABLE = "unusable"
    """It is no address that mail can be sent to."""

    @property
    def is_sent_to(self) -> bool:
        """Whether reports may go there."""
        return self in (Standing.OWN, Standing.APPROVED)


@dataclass(frozen=True, slots=True)
class Destination:
    """One address a policy names, and its standing; `address` is the URI where it is no address."""

    address: str
    standing: Standing


def destinations_of(
    published: PublishedPolicy, resolver: Resolver, suppressed: Sequence[str] = ()
) -> tuple[Destination, ...]:
    """The destinations of a policy's reports, in its order and without repetition."""
    if is_suppressed(published.domain, suppressed):
        return tuple(Destination(_address(uri) or uri, Standing.SUPPRESSED) for uri in published.report_uris)
    walker = TreeWalker(resolver)
    found = (
        one for uri in published.report_uris[:MAX_URIS] for one in _judged(uri, published.domain, walker, resolver)
    )
    return tuple(dict.fromkeys(_unless_suppressed(one, suppressed) for one in found))


def is_suppressed(subject: str, suppressed: Sequence[str]) -> bool:
    """Whether a domain or address is on the suppression list, itself or by a domain above it."""
    subject = subject.lower()
    domain = subject.rpartition("@")[2]
    return any(entry.lower() == subject or f".{domain}".endswith(f".{entry.lower()}") for entry in suppressed)


def _unless_suppressed(one: Destination, suppressed: Sequence[str]) -> Destination:
    hit = one.standing.is_sent_to and is_suppressed(one.address, suppressed)
    return Destination(one.address, Standing.SUPPRESSED) if hit else one


def _judged(uri: str, policy_domain: str, walker: TreeWalker, resolver: Resolver) -> Iterator[Destination]:
    address = _address(uri)
    if not address:
        yield Destination(uri, Standing.UNUSABLE)
        return
    host = address.rpartition("@")[2]
    theirs, owners = walker.walk(host), walker.walk(policy_domain)
    if host == policy_domain or theirs.organizational_domain() == owners.organizational_domain():
        yield Destination(address, Standing.OWN)
        return
    if theirs.failed or owners.failed:
        yield Destination(address, Standing.UNKNOWN)
        return
    yield from _approved(address, host, resolver.query(f"{policy_domain}._report._dmarc.{host}", "TXT"))


def _approved(address: str, host: str, answer: DnsAnswer) -> Iterator[Destination]:
    """What the destination says; it may name other addresses of its own host (RFC 9990 §4, step 7)."""
    records = [read_record(text) for text in answer.records if is_record(text)]
    if not records:
        standing = Standing.UNKNOWN if answer.status in _COULD_NOT_ASK else Standing.REFUSED
        yield Destination(address, standing)
        return
    others = [other for other in _named_by(records) if other.rpartition("@")[2] == host]
    yield from (Destination(other, Standing.APPROVED) for other in others or [address])


def _named_by(records: Sequence[DmarcRecord]) -> Iterator[str]:
    for record in records:
        yield from filter(None, map(_address, record.report_uris[:MAX_URIS]))


def _address(uri: str) -> str:
    """The address of a `mailto:` URI, its domain in A-labels; empty for another URI."""
    if uri[: len(_MAILTO)].lower() != _MAILTO:
        return ""
    local_part, at, domain = unquote(uri[len(_MAILTO) :].partition("?")[0]).rpartition("@")
    host = to_ascii_domain(domain)
    usable = at and host and local_part and local_part.isascii() and local_part.isprintable() and " " not in local_part
    return f"{local_part}@{host}" if usable else ""
