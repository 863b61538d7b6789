"""Letting a frozen account send again, in whichever way it is asked for: all that a freeze did is undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from postern.ports import AccountStore
from postern.session.hijack import SendingStore


class HeldMail(Protocol):
    """The copies of an account that wait to be relayed. Blocking; both raise `Unavailable`."""

    def hold_account(self, account: str) -> int:
        """Hold what waits; how many copies that were."""
        ...

    def release_account(self, account: str) -> int:
        """Let what is held go on; how many copies that were."""
        ...


@dataclass(frozen=True, slots=True)
class Thawed:
    """What was done: whether the account was frozen, and how many held copies go on."""

    was_frozen: bool
    released: int


@dataclass(frozen=True, slots=True)
class Thawing:
    """Thaws accounts. For the command line, the API and the link."""

    accounts: AccountStore
    sending: SendingStore
    mail: HeldMail

    def thaw(self, address: str) -> Thawed:
        """Let an account send again. Doing it twice is no harm. Raises `Unavailable`; then it can be done again.

        The counters go first: an account that is thawed with full counters would be frozen by its next message. The
        held mail goes last, when nothing can hold it anew.
        """
        self.sending.reset(address)
        was_frozen = self.accounts.thaw(address)
        return Thawed(was_frozen, self.mail.release_account(address))
