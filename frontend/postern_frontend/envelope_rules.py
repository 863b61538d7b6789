"""Who may send to whom. Port 25 takes mail from anybody for those who receive here; submission brings rules of its
own.

A rule is a question that still lacks its directory; one that needs no directory is answered on the spot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from postern import replies
from postern.accounts import Account
from postern.model import Envelope, Session
from postern.ports import SiteSource
from postern.recipients import Directory, MailPath, Resolution, is_known_reverse_path, resolve
from postern.replies import Reply
from postern.submission.ownership import owns

T_co = TypeVar("T_co", covariant=True)

Question = Callable[[Directory], T_co]


class EnvelopeRules(Protocol):
    """Judges MAIL and RCPT of a session."""

    def reverse_path(self, path: MailPath | None, session: Session) -> Question[Reply]:
        """The reply to MAIL; `None` is the null reverse-path."""
        ...

    def recipient(self, path: MailPath, envelope: Envelope, session: Session) -> Question[Resolution]:
        """The recipients behind the forward-path of RCPT, or the refusal."""
        ...


@dataclass(frozen=True, slots=True)
class InboundRules:
    """Port 25: relay control without exceptions but trusted clients (DEFENCES §4). See `EnvelopeRules`."""

    sites: SiteSource

    def reverse_path(self, path: MailPath | None, session: Session) -> Question[Reply]:
        """A reverse-path of ours must exist, unless a trusted client uses it."""
        if path is None or session.trusted:
            return lambda _: replies.REVERSE_PATH_OK
        return lambda directory: (
            replies.REVERSE_PATH_OK if is_known_reverse_path(path, directory) else replies.REVERSE_PATH_UNKNOWN
        )

    def recipient(self, path: MailPath, envelope: Envelope, session: Session) -> Question[Resolution]:
        """Only who receives here, whatever the reverse-path says."""
        return _resolution(path, envelope, self.sites, may_relay=session.trusted)


@dataclass(frozen=True, slots=True)
class SubmissionRules:
    """Mail of an account: its own reverse-paths or none, and recipients anywhere. See `EnvelopeRules`."""

    sites: SiteSource
    account: Account

    def reverse_path(self, path: MailPath | None, session: Session) -> Question[Reply]:
        """Read receipts have the null reverse-path; any other must belong to the account (RFC 6409 §6.1)."""
        del session
        is_own = path is None or owns(self.account, path)
        return lambda _: replies.REVERSE_PATH_OK if is_own else replies.REVERSE_PATH_NOT_OWN

    def recipient(self, path: MailPath, envelope: Envelope, session: Session) -> Question[Resolution]:
        """Who receives here must exist; anybody else is looked for when the message is sent."""
        del session
        return _resolution(path, envelope, self.sites, may_relay=True)


def _resolution(path: MailPath, envelope: Envelope, sites: SiteSource, *, may_relay: bool) -> Question[Resolution]:
    site = sites.site()
    default_domain = site.local_domains[0] if site.local_domains else site.hostname
    return lambda directory: resolve(
        path, directory, default_domain=default_domain, may_relay=may_relay, smtputf8=envelope.smtputf8
    )
