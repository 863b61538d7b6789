"""What stands behind the SMTP conversations of a listener, and the time they have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from postern.ports import SiteSource
from postern.session.smtp_policy import SmtpPolicy
from postern_frontend.envelope_rules import EnvelopeRules
from postern_frontend.recipient_lookup import RecipientLookup
from postern_frontend.screening.screen import Screen
from postern_frontend.screening.session import no_screen
from postern_frontend.smtp.profile import SmtpProfile
from postern_frontend.spool import SpoolBudget
from postern_frontend.submission import Submission
from postern_frontend.tls_rules import TlsRules
from postern_frontend.transaction import Acceptance


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds the client has (RFC 5321 §4.5.3.2), and its least pace in DATA."""

    command: float = 300
    text: float = 180
    answer: float = 600
    command_while_draining: float = 30
    slow_octets_per_minute: int = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverService:
    """What all conversations of a listener share. With `submission` it is for people who log in.

    `manners` is policy as it is when a session begins, `tls_rules` as it is when a command comes.
    """

    profile: SmtpProfile
    rules: EnvelopeRules
    lookup: RecipientLookup
    acceptance: Acceptance
    sites: SiteSource
    spool_budget: SpoolBudget
    spool_directory: str | None = None
    timing: Timing = field(default_factory=Timing)
    manners: Callable[[], SmtpPolicy] = SmtpPolicy
    tls_rules: TlsRules = field(default_factory=TlsRules)
    screen: Screen = field(default_factory=no_screen)
    submission: Submission | None = None
