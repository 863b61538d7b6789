"""What kind of SMTP a listener speaks: its extensions, parameters, verbs and limits, as one value.

Port 25 is `receiver_profile`; submission adds to it (AUTH, DSN) by further `Extension` values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING

from postern_frontend.smtp import parameters
from postern_frontend.smtp.parameters import ParameterParser

if TYPE_CHECKING:
    from postern_frontend.smtp.protocol import SmtpProtocol

VerbHandler = Callable[["SmtpProtocol", str], None]
"""Carries out a command given its argument, by the protocol's `reply`, `ask` and `take_lines`."""


class Offered(Enum):
    """When EHLO announces an extension."""

    ALWAYS = auto()
    BEFORE_TLS = auto()
    UNDER_TLS = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One service extension (RFC 5321 §2.2): its EHLO line and what it adds to the commands."""

    announcement: str
    offered: Offered = Offered.ALWAYS
    mail_parameters: Mapping[str, ParameterParser] = field(default_factory=dict)
    recipient_parameters: Mapping[str, ParameterParser] = field(default_factory=dict)
    verbs: Mapping[str, VerbHandler] = field(default_factory=dict)

    @property
    def keyword(self) -> str:
        """The first word of the EHLO line."""
        return self.announcement.partition(" ")[0]

    def is_offered(self, *, secured: bool) -> bool:
        """Whether EHLO announces it now."""
        now = Offered.UNDER_TLS if secured else Offered.BEFORE_TLS
        return self.offered in (Offered.ALWAYS, now)


@dataclass(frozen=True, kw_only=True)
class SmtpProfile:
    """Everything that differs between SMTP listeners. Sizes are in octets."""

    hostname: str
    extensions: tuple[Extension, ...]
    max_message_octets: int
    max_command_octets: int
    max_recipients: int = 100
    max_errors: int = 10
    max_commands_without_mail: int = 1_000
    max_failed_logins: int = 3
    tls_required: bool = False
    login_required: bool = False

    def announcements(self, *, secured: bool, tls_available: bool = True) -> tuple[str, ...]:
        """The EHLO lines after the first."""
        offered = (item for item in self.extensions if item.is_offered(secured=secured))
        return tuple(item.announcement for item in offered if tls_available or item is not STARTTLS)

    def offers(self, keyword: str) -> bool:
        """Whether an extension belongs to this profile, offered at this moment or not."""
        return any(item.keyword == keyword for item in self.extensions)

    @cached_property
    def mail_parameters(self) -> Mapping[str, ParameterParser]:
        """The known parameters of MAIL."""
        return {name: parser for item in self.extensions for name, parser in item.mail_parameters.items()}

    @cached_property
    def recipient_parameters(self) -> Mapping[str, ParameterParser]:
        """The known parameters of RCPT."""
        return {name: parser for item in self.extensions for name, parser in item.recipient_parameters.items()}

    @cached_property
    def verbs(self) -> Mapping[str, VerbHandler]:
        """The commands that extensions bring."""
        return {name: handler for item in self.extensions for name, handler in item.verbs.items()}


COMMAND_OCTETS = 512
"""A command line with its CRLF (RFC 5321 §4.5.3.1.4)."""

EXTENSION_OCTETS = 26 + 17 + 10 + 500
"""What SIZE, BODY, SMTPUTF8 (RFC 1870, 6152, 6531) and AUTH= (RFC 4954 §5) add to it."""

STARTTLS = Extension(announcement="STARTTLS", offered=Offered.BEFORE_TLS)

UNBELIEVED_AUTH_PARAMETER = Extension(
    announcement="AUTH", offered=Offered.NEVER, mail_parameters={"AUTH": parameters.auth}
)
"""AUTH= where nobody can log in: some relays pass it on anyway; it is checked for its form and forgotten."""

DSN = Extension(
    announcement="DSN",
    mail_parameters={"RET": parameters.returned, "ENVID": parameters.envelope_id},
    recipient_parameters={"NOTIFY": parameters.notify, "ORCPT": parameters.original_recipient},
)
"""Delivery status notifications on request (RFC 3461). Only for those who have logged in: a notice of success to a
reverse-path that anybody can forge is backscatter."""


def base_extensions(max_message_octets: int) -> tuple[Extension, ...]:
    """What every SMTP listener here offers."""
    return (
        Extension(announcement="PIPELINING"),
        Extension(announcement=f"SIZE {max_message_octets}", mail_parameters={"SIZE": parameters.size}),
        Extension(announcement="8BITMIME", mail_parameters={"BODY": parameters.body}),
        Extension(announcement="SMTPUTF8", mail_parameters={"SMTPUTF8": parameters.flag}),
        Extension(announcement="CHUNKING"),
        Extension(announcement="ENHANCEDSTATUSCODES"),
    )


def receiver_profile(hostname: str, *, max_message_octets: int, starttls: bool) -> SmtpProfile:
    """Port 25: mail from the Internet."""
    return SmtpProfile(
        hostname=hostname,
        extensions=(
            *base_extensions(max_message_octets),
            UNBELIEVED_AUTH_PARAMETER,
            *((STARTTLS,) if starttls else ()),
        ),
        max_message_octets=max_message_octets,
        max_command_octets=COMMAND_OCTETS + EXTENSION_OCTETS,
    )
