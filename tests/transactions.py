"""Transactions for tests: everything has a default, a test names what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postern.model import Envelope, MessageReference, Recipient, Session, Site, Transaction

RECEIVED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOSTNAME = "mx.receiver.example"
RECIPIENT = "ann@receiver.example"


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
) -> Transaction:
    """A transaction by SMTP; `mail_from=None` is the null reverse-path."""
    return Transaction(
        transaction_id="test-1",
        received_at=received_at,
        deadline=received_at + timedelta(seconds=20),
        session=Session("session-1", client_ip, helo),
        envelope=Envelope(mail_from),
        recipients=tuple(Recipient(address, address) for address in rcpt_to),
        message=MessageReference("incoming/test-1", 0, "0" * 64),
        site=Site(
            authserv_id,
            HOSTNAME,
            ("receiver.example",),
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
