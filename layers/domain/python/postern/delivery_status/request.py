"""Who is told what about one recipient's copy: what the sender asked for, and what may be answered at all.

A report goes to nobody who did not send the message. A client of ours did; of anybody else, the reverse-path must be
proven. There is never a report about a message with a null reverse-path, so that no report is about a report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from postern.authres.reading import read_results
from postern.model import Direction, HeaderField, Recipient, Transaction
from postern.spf.received_spf import NAME as RECEIVED_SPF

NEVER = "NEVER"
AUTHENTICATION_RESULTS = "Authentication-Results"


class Action(StrEnum):
    """What is told of a copy, in the words of RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


class Standing(StrEnum):
    """What is known of the reverse-path."""

    OURS = "ours"
    """A client of ours sent the message: one that logged in, or one of a trusted network."""
    PROVEN = "proven"
    """SPF passed for it, or DMARC for its domain."""
    UNPROVEN = "unproven"
    """Anybody may have written it there."""


_ASKED_BY = {
    Action.FAILED: "FAILURE",
    Action.DELAYED: "DELAY",
    Action.DELIVERED: "SUCCESS",
    Action.RELAYED: "SUCCESS",
}
_UNASKED = frozenset({Action.FAILED, Action.DELAYED})
"""What is told when nothing was said (RFC 3461 §4.1)."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """The reporting of one copy.

    `sender` is the reverse-path as the client gave it, before any tag, and `None` when it is null. The other words are
    NOTIFY, ORCPT, ENVID and RET of RFC 3461 §4, empty where nothing was said.
    """

    sender: str | None = None
    standing: Standing = Standing.UNPROVEN
    notify: tuple[str, ...] = ()
    original_recipient: str = ""
    envelope_id: str = ""
    returned: str = ""

    def wants(self, action: Action) -> bool:
        """Whether the sender is to be told this."""
        if self.sender is None or self.standing is Standing.UNPROVEN or NEVER in self.notify:
            return False
        if self.standing is Standing.PROVEN and action is not Action.FAILED:
            return False
        return _ASKED_BY[action] in self.notify if self.notify else action in _UNASKED


NOTHING_ASKED = ReportRequest()
"""Nobody is told anything."""


def report_request(transaction: Transaction, recipient: Recipient, headers: Iterable[HeaderField]) -> ReportRequest:
    """The reporting of a recipient's copy; `headers` are those that the filter adds."""
    envelope = transaction.envelope
    return ReportRequest(
        transaction.reverse_path,
        _standing(transaction, tuple(headers)),
        recipient.notify,
        recipient.original_recipient,
        envelope.envelope_id if envelope else "",
        envelope.returned if envelope else "",
    )


def _standing(transaction: Transaction, headers: tuple[HeaderField, ...]) -> Standing:
    session = transaction.session
    is_client = session is not None and (session.trusted or session.authenticated_as is not None)
    if is_client or transaction.direction is Direction.OUTBOUND:
        return Standing.OURS
    proven = _passed_spf(headers) or _passed_dmarc(headers, transaction)
    return Standing.PROVEN if proven else Standing.UNPROVEN


def _passed_spf(headers: tuple[HeaderField, ...]) -> bool:
    """Whether our Received-SPF says that the reverse-path passed (RFC 7208 §9.1)."""
    return any(
        field.name == RECEIVED_SPF and field.value.startswith("pass ") and "identity=mailfrom" in field.value
        for field in headers
    )


def _passed_dmarc(headers: tuple[HeaderField, ...], transaction: Transaction) -> bool:
    """Whether DMARC passed for exactly the domain of the reverse-path."""
    domain = (transaction.reverse_path or "").rpartition("@")[2].lower()
    results = (
        result
        for field in headers
        if field.name == AUTHENTICATION_RESULTS and (read := read_results(field.value)) is not None
        for result in read.results
    )
    passed = (one.value("header", "from") for one in results if (one.method, one.result) == ("dmarc", "pass"))
    return bool(domain) and any((author or "").lower() == domain for author in passed)
