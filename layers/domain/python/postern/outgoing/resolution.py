"""The policy of one transaction, by its direction.

Incoming mail is judged by what its recipients want. Outgoing mail is judged by what the site wants, and marked as the
domains that send it want; what a recipient here has set up against strangers does not concern it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postern import catalog
from postern.model import Direction, Points, Transaction
from postern.outgoing import policy as outgoing
from postern.outgoing.filtering import SECTION as FILTER_SECTION
from postern.outgoing.filtering import OutgoingFilterPolicy
from postern.outgoing.signing_policy import SIGNING_SECTION, VBR_SECTION
from postern.policy import MAX_POINTS, Mode
from postern.policy_book import GLOBAL_SCOPE, PolicyBook, RecipientPolicy, ResolvedPolicy, Section, stored_view

OF_SENDING_DOMAINS = (SIGNING_SECTION, VBR_SECTION, outgoing.SECTION)
"""Sections that domains set for the mail they send."""

_DOMAIN = "domain:"


def policy_for(book: PolicyBook, transaction: Transaction) -> ResolvedPolicy:
    """The policy of a transaction. Raises `PolicyError`."""
    if transaction.direction is Direction.INBOUND:
        return book.resolve(transaction.recipients)
    stored = book.scopes.get(GLOBAL_SCOPE, {})
    settings = book.section(FILTER_SECTION, OutgoingFilterPolicy)
    checks = {
        spec.check_id: _asked_for(
            spec.check_id, stored.get(spec.check_id, {}), settings.checks.get(spec.check_id, Mode.OFF)
        )
        for spec in catalog.judging(Direction.OUTBOUND)
    }
    others = {name: section for name, section in stored.items() if name not in catalog.CHECKS or name == "backscatter"}
    sections = {**others, **checks, "spam_filter": _threshold(settings.refuse_at)}
    return ResolvedPolicy(book.version, sections, tuple(_domains(book)))


def of_domain(domain: str) -> str:
    """The name under which a resolved policy holds what a domain has set for the mail it sends."""
    return f"@{domain}"


def _asked_for(name: str, stored: Section, mode: Mode) -> Section:
    """A check's section for outgoing mail: whoever asks for the check asks for it on all of that mail."""
    required = stored_view(name, stored).required
    return {**stored, "mode": mode.value, "required": required, "skip_trusted": False, "skip_authenticated": False}


def _threshold(refuse_at: Points) -> Section:
    """Outgoing mail is refused or sent, with nothing between."""
    at: object = refuse_at / 100 or MAX_POINTS / 100
    return {"spam_at": at, "refuse_at": at}


def _domains(book: PolicyBook) -> Iterator[RecipientPolicy]:
    for scope, sections in book.scopes.items():
        own: Mapping[str, Section] = {name: sections[name] for name in OF_SENDING_DOMAINS if name in sections}
        if own and scope.startswith(_DOMAIN):
            yield RecipientPolicy((of_domain(scope.removeprefix(_DOMAIN)),), own)
