"""The policy sections that do not belong to one check, and the register of all sections."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from postern import catalog
from postern.dmarc_reports.policy import DmarcReportsPolicy
from postern.dnsbl import switching
from postern.model import Disposition, Points
from postern.outgoing import filtering as outgoing_filter
from postern.outgoing import signing_policy
from postern.outgoing.policy import OutgoingPolicy
from postern.policy import EVERY_SCOPE, setting
from postern.rules import channel_policy
from postern.session.hijack_policy import HijackPolicy
from postern.session.screening_policy import ScreeningPolicy
from postern.session.smtp_policy import SmtpPolicy
from postern.session.tls_policy import TlsPolicy
from postern.submission.policy import SubmissionPolicy


class FlaggedAction(StrEnum):
    """What becomes of a message that reached the spam threshold but not the refusal threshold."""

    JUNK = "junk"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def disposition(self) -> Disposition:
        """The disposition of the same name."""
        return Disposition(self.value)


class RefusedCopy(StrEnum):
    """What becomes of a refusing recipient's copy when others of the same transaction accept."""

    QUARANTINE = "quarantine"
    JUNK = "junk"

    @property
    def disposition(self) -> Disposition:
        """The disposition of the same name."""
        return Disposition(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpamFilterPolicy:
    """Thresholds of the score and what follows from them."""

    spam_at: Points = setting(
        Points(500), "score from which a message is flagged as spam", scopes=EVERY_SCOPE, minimum=0.1
    )
    refuse_at: Points = setting(
        Points(1200), "score from which it is refused; 0 never refuses", scopes=EVERY_SCOPE, minimum=0
    )
    flagged: FlaggedAction = setting(
        FlaggedAction.JUNK, "what to do with flagged mail: junk, quarantine or reject", scopes=EVERY_SCOPE
    )
    refused_copy: RefusedCopy = setting(
        RefusedCopy.QUARANTINE, "where a refused copy goes when other recipients accept", scopes=EVERY_SCOPE
    )
    subject_tag: str = setting("", "put before the subject of flagged mail; breaks DKIM", scopes=EVERY_SCOPE)
    report: bool = setting(True, "add X-Spam-Report to flagged mail", scopes=EVERY_SCOPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePolicy:
    """Facts about this installation."""

    authserv_id: str = setting("", "our name in Authentication-Results; empty for the host name")
    trusted_networks: tuple[str, ...] = setting((), "networks whose clients may relay and skip checks, in CIDR form")
    trusted_forwarders: tuple[str, ...] = setting((), "networks of servers that forward mail to us, in CIDR form")


@cache
def section_types() -> dict[str, type]:
    """Every section by name: the site's, the spam filter's, the session's, outgoing mail's, and one per check."""
    checks = {spec.check_id: spec.policy for spec in catalog.specs()}
    return {
        "site": SitePolicy,
        "spam_filter": SpamFilterPolicy,
        "screening": ScreeningPolicy,
        "submission": SubmissionPolicy,
        "hijack": HijackPolicy,
        "smtp": SmtpPolicy,
        "tls": TlsPolicy,
        "dmarc_reports": DmarcReportsPolicy,
        switching.SECTION: switching.DnsblHealthPolicy,
        "outgoing": OutgoingPolicy,
        outgoing_filter.SECTION: outgoing_filter.OutgoingFilterPolicy,
        channel_policy.SECTION: channel_policy.RuleChannelPolicy,
        signing_policy.SIGNING_SECTION: signing_policy.DkimSigningPolicy,
        signing_policy.VBR_SECTION: signing_policy.VbrInfoPolicy,
        **checks,
    }
