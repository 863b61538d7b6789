"""Accounts: who may log in, with what, as whom they may send, and whether they are frozen.

A row of the table of accounts is an address that exists; with a `password` its owner can log in. Rows are edited by
hand, so each is read for itself: one that cannot be used locks nobody else out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MAX_APP_PASSWORDS = 50
MAX_IDENTITIES = 200


@dataclass(frozen=True, slots=True)
class AppPassword:
    """A further password of an account, for one program. `hashed` is an argon2id string in PHC form."""

    label: str
    hashed: str
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Why and since when an account may not send or log in."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class SendingLimits:
    """Messages and recipients an account may send in an hour; `None` leaves it to policy."""

    messages: int | None = None
    recipients: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `address` is canonical.

    `hashed` is the argon2id string of its password, empty for an address that only receives. `identities` are what it
    may send as beside its own address: addresses, and `*@example.com` for all of a domain.
    """

    address: str
    hashed: str = ""
    app_passwords: tuple[AppPassword, ...] = ()
    identities: tuple[str, ...] = ()
    limits: SendingLimits = SendingLimits()
    frozen: Freeze | None = None

    def may_send_as(self, address: str) -> bool:
        """Whether a canonical address is the account's own or one of its identities."""
        return address == self.address or bool({address, f"*@{address.rpartition('@')[2]}"} & set(self.identities))
