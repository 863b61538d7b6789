"""From a case to its verdict: the same checks, runner and decision as in the service, in this process."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from postern.backscatter.tags import stripped
from postern.dns import DnsAnswer, DnsStatus, Question
from postern.line_ends import normalise_line_ends
from postern.message import Message, parse_message
from postern.model import (
    Decision,
    Envelope,
    MessageReference,
    Recipient,
    RecipientDecision,
    Session,
    Site,
    Transaction,
)
from postern.networks import is_within, known_address
from postern.pipeline import Judgement, judge
from postern.policy_book import GLOBAL_SCOPE, PolicyBook
from postern.ports import Resolver
from postern.recipients import canonical_address, canonical_domain
from postern.runner import Effects
from postern.sections import SitePolicy
from postern_cli.scan.case import ScanCase

HOSTNAME = "postern.localhost"
SECONDS_TO_JUDGE = 45
NOBODY = Recipient("", "")
"""Stands for whoever a message without recipients is for: global policy decides."""


class UnaskedResolver:
    """Answers nothing: the DNS is not to be asked, which is nobody's fault."""

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Say that it was not asked."""
        return DnsAnswer(DnsStatus.NOT_ASKED)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """Say it for every question."""
        return tuple(DnsAnswer(DnsStatus.NOT_ASKED) for _ in questions)


@dataclass(frozen=True)
class Verdict:
    """A judged case: everything `postern scan` shows."""

    case: ScanCase
    transaction: Transaction
    message: Message
    judgement: Judgement
    troubles: tuple[tuple[str, BaseException], ...]
    milliseconds: float

    @property
    def decision(self) -> Decision:
        """The decision for all recipients."""
        return self.judgement.decision

    @cached_property
    def first(self) -> RecipientDecision:
        """The decision for the first recipient, or for nobody in particular."""
        return self.decision.recipients[0]


def judge_case(case: ScanCase, book: PolicyBook, resolver: Resolver) -> Verdict:
    """The verdict on a case. `resolver` is asked when the case has no zone of its own."""
    started = time.perf_counter()
    raw = normalise_line_ends(case.raw)
    message = parse_message(raw)
    merged = _with_overrides(book, case)
    transaction = _transaction(case, raw, merged)
    troubles: list[tuple[str, BaseException]] = []
    makers = case.stores.makers(lambda: case.resolver or resolver, lambda: message)
    effects = Effects(makers, time.perf_counter, lambda check_id, trouble: troubles.append((check_id, trouble)))
    judgement = judge(transaction, merged.resolve(transaction.recipients), effects)
    elapsed = (time.perf_counter() - started) * 1000
    return Verdict(case, transaction, message, judgement, tuple(troubles), elapsed)


def _with_overrides(book: PolicyBook, case: ScanCase) -> PolicyBook:
    if not case.policy:
        return book
    scopes = dict(book.scopes)
    stored = dict(scopes.get(GLOBAL_SCOPE, {}))
    for name, section in case.policy.items():
        stored[name] = {**stored.get(name, {}), **section}
    return PolicyBook(book.version, {**scopes, GLOBAL_SCOPE: stored})


def _transaction(case: ScanCase, raw: bytes, book: PolicyBook) -> Transaction:
    digest = hashlib.sha256(raw).hexdigest()
    received_at = case.now or datetime.now(UTC)
    return Transaction(
        transaction_id=f"scan-{digest[:16]}",
        received_at=received_at,
        deadline=received_at + timedelta(seconds=SECONDS_TO_JUDGE),
        session=_session(case, book) if case.has_session else None,
        envelope=None if case.mail_from is None else Envelope(case.mail_from or None),
        recipients=tuple(_recipient(forward_path) for forward_path in case.rcpt_to) or (NOBODY,),
        message=MessageReference(f"scan/{digest}", len(raw), digest),
        site=_site(case, book),
    )


def _recipient(forward_path: str) -> Recipient:
    """The mailbox that a directory without aliases would give."""
    local_part, _, domain = forward_path.rpartition("@")
    local_part = stripped(local_part)
    base, _, detail = local_part.partition("+")
    address = canonical_address(base or local_part, canonical_domain(domain) or domain)
    return Recipient(address, forward_path, detail=detail)


def _session(case: ScanCase, book: PolicyBook) -> Session:
    return Session(
        session_id="scan",
        client_ip=case.client_ip,
        helo_identity=case.helo or "",
        authenticated_as=case.authenticated_as,
        trusted=_is_trusted(case.client_ip, book.section("site", SitePolicy).trusted_networks),
    )


def _is_trusted(client_ip: str | None, networks: Sequence[str]) -> bool:
    address = known_address(client_ip)
    return address is not None and is_within(address, networks)


def _site(case: ScanCase, book: PolicyBook) -> Site:
    site = book.section("site", SitePolicy)
    local = case.local_domains
    if local is None:
        domains = (address.rpartition("@")[2] for address in case.rcpt_to)
        local = tuple(sorted({canonical_domain(domain) or domain for domain in domains if domain}))
    return Site(
        authserv_id=site.authserv_id or HOSTNAME,
        hostname=HOSTNAME,
        local_domains=local,
        trusted_networks=site.trusted_networks,
        trusted_forwarders=site.trusted_forwarders,
    )
