"""The transaction that a session has open: its recipients so far, and its message as far as it has arrived."""

from __future__ import annotations

from enum import StrEnum

from postern.model import Recipient
from postern_frontend.data_scanner import TextFacts
from postern_frontend.spool import Spool, SpoolBudget, SpoolFullError

MAX_TRANSACTION_RECIPIENTS = 500
"""Recipients of one transaction after lists were expanded: they all travel through the workflow's state."""


class Observed(StrEnum):
    """Symbols of what a conversation noticed, for the checks."""

    EARLY_TALKER = "SMTP_EARLY_TALKER"
    BARE_LINE_END = "SMTP_BARE_LINE_END"
    NUL_OCTET = "SMTP_NUL_OCTET"
    LONG_LINE = "SMTP_LONG_LINE"


def observed_in(facts: TextFacts) -> tuple[Observed, ...]:
    """What was unusual about a text."""
    unusual = (
        (Observed.BARE_LINE_END, facts.bare_line_ends),
        (Observed.NUL_OCTET, facts.nul_octets),
        (Observed.LONG_LINE, facts.long_lines),
    )
    return tuple(symbol for symbol, count in unusual if count)


class IncomingTransaction:
    """Gathers one transaction after the other."""

    def __init__(self, budget: SpoolBudget, directory: str | None) -> None:
        self._budget = budget
        self._directory = directory
        self._recipients: dict[str, Recipient] = {}
        self._spool: Spool | None = None

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Whom the message is for, each address once, in the order they were given."""
        return tuple(self._recipients.values())

    def add(self, recipients: tuple[Recipient, ...]) -> bool:
        """Add recipients; `False` when that would be too many, and none is added."""
        new = {item.address: item for item in recipients if item.address not in self._recipients}
        if len(self._recipients) + len(new) > MAX_TRANSACTION_RECIPIENTS:
            return False
        self._recipients |= new
        return True

    def keep(self, text: bytes) -> None:
        """Add to the message. Raises SpoolFullError, and forgets the message then."""
        spool = self._opened()
        try:
            spool.write(text)
        except SpoolFullError:
            self.drop_message()
            raise

    def take_message(self) -> Spool:
        """Hand the message over, to whom it belongs from now on."""
        spool, self._spool = self._opened(), None
        return spool

    def drop_message(self) -> None:
        """Forget the message."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def clear(self) -> None:
        """Forget the transaction."""
        self._recipients = {}
        self.drop_message()

    def _opened(self) -> Spool:
        if self._spool is None:
            self._spool = Spool(self._budget, directory=self._directory)
        return self._spool
