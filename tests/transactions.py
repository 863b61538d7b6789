"""Transactions for tests: everything has a default, a test names what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postern.model import Envelope, MessageReference, Recipient, Session, Site, Transaction

RECEIVED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOSTNAME = "mx.receiver.example"
RECIPIENT = "ann@receiver.example"


def recipient(address: str = RECIPIENT) -> Recipient:
    """A mailbox recipient whose forward-path is its address."""
    return Recipient(address, address)


def make_transaction(
    *,
    client_ip: str | None = "192.0.2.1",
    helo: str = "mail.example.com",
    mail_from: str | None = "bob@example.com",
    rcpt_to: tuple[str, ...] = (RECIPIENT,),
    trusted_networks: tuple[str, ...] = (),
    trusted_forwarders: tuple[str, ...] = (),
    authserv_id: str = HOSTNAME,
    received_at: datetime = RECEIVED_AT,
    trusted: bool = False,
    authenticated_as: str | None = None,
    local_domains: tuple[str, ...] = ("receiver.example",),
    recipients: tuple[Recipient, ...] | None = None,
) -> Transaction:
    """A transaction by SMTP; `mail_from=None` is the null reverse-path, `recipients` go before `rcpt_to`."""
    return Transaction(
        transaction_id="test-1",
        received_at=received_at,
        deadline=received_at + timedelta(seconds=20),
        session=Session("session-1", client_ip, helo, trusted=trusted, authenticated_as=authenticated_as),
        envelope=Envelope(mail_from),
        recipients=tuple(map(recipient, rcpt_to)) if recipients is None else recipients,
        message=MessageReference("incoming/test-1", 0, "0" * 64),
        site=Site(
            authserv_id,
            HOSTNAME,
            local_domains,
            trusted_networks=trusted_networks,
            trusted_forwarders=trusted_forwarders,
        ),
    )


def transaction_from_file() -> Transaction:
    """A message that nobody sent: no session, no envelope."""
    return Transaction(
        transaction_id="test-file",
        received_at=RECEIVED_AT,
        deadline=RECEIVED_AT + timedelta(seconds=20),
        session=None,
        envelope=None,
        recipients=(Recipient(RECIPIENT, RECIPIENT),),
        message=MessageReference("incoming/test-file", 0, "0" * 64),
        site=Site(HOSTNAME, HOSTNAME, ("receiver.example",)),
    )
