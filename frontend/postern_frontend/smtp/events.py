"""What the SMTP conversation tells its driver.

`ReversePathGiven`, `RecipientGiven`, `MessageReceived`, `TlsRequested` and `LoginGiven` wait for an answer: no further
command is looked at until the driver calls `SmtpProtocol.answer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postern.model import Envelope
from postern.recipients import MailPath
from postern_frontend.data_scanner import TextFacts


@dataclass(frozen=True, slots=True)
class ReversePathGiven:
    """MAIL was well-formed. `path` is `None` for the null reverse-path."""

    path: MailPath | None
    envelope: Envelope
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RecipientGiven:
    """RCPT was well-formed."""

    path: MailPath
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TextReceived:
    """A piece of the message, line ends normalised; to be kept in order until the transaction ends."""

    text: bytes


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The message is complete."""

    facts: TextFacts


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """The transaction was answered, reset or abandoned; what was kept for it can go."""


@dataclass(frozen=True, slots=True)
class TlsRequested:
    """Answer 220, flush the output, start TLS, then call `SmtpProtocol.start_over`; or answer 454."""


@dataclass(frozen=True, slots=True)
class LoginGiven:
    """Somebody wants to log in. Answer 235, or say why not.

    `authorization` is as whom, empty for the same name (RFC 4616 §2). The password is never shown.
    """

    name: str
    password: str = field(repr=False)
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """Flush the output and close the connection; `abrupt` when the client may still be sending."""

    abrupt: bool


Event = (
    ReversePathGiven
    | RecipientGiven
    | TextReceived
    | MessageReceived
    | TransactionEnded
    | TlsRequested
    | LoginGiven
    | Closed
)
