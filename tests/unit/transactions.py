"""Transactions, recipients and effects as data, for tests of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from postern.contract import Needs
from postern.model import Envelope, MessageReference, Recipient, Session, Site, Transaction
from postern.policy_book import ResolvedPolicy
from postern.runner import Effects

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SITE = Site("mx.example.com", "mx.example.com", local_domains=("example.com",))


def recipient(address: str = "ann@example.com") -> Recipient:
    """A mailbox recipient whose forward-path is its address."""
    return Recipient(address, address)


def transaction(
    *,
    client_ip: str | None = "192.0.2.1",
    helo_identity: str = "mail.sender.example",
    reverse_path: str | None = "bob@sender.example",
    recipients: tuple[Recipient, ...] = (recipient(),),
    trusted: bool = False,
    authenticated_as: str | None = None,
    site: Site = SITE,
) -> Transaction:
    """A transaction with a session and an envelope."""
    session = Session("s1", client_ip, helo_identity, trusted=trusted, authenticated_as=authenticated_as)
    message = MessageReference("incoming/t1", 100, "0" * 64)
    deadline = NOW + timedelta(seconds=20)
    return Transaction("t1", NOW, deadline, session, Envelope(reverse_path), recipients, message, site)


def policy(sections: Mapping[str, Mapping[str, object]] | None = None) -> ResolvedPolicy:
    """A resolved policy that has these sections, as written; nothing is filled in from the catalogue."""
    return ResolvedPolicy("v1", dict(sections or {}))


def effects(
    makers: Mapping[Needs, Any] | None = None, troubles: list[tuple[str, BaseException]] | None = None
) -> Effects:
    """Effects from fixed values; unforeseen exceptions are collected in `troubles`."""
    ready = {need: (lambda value=value: value) for need, value in (makers or {}).items()}
    kept = [] if troubles is None else troubles
    return Effects(ready, seconds=lambda: 0.0, report=lambda check_id, trouble: kept.append((check_id, trouble)))
