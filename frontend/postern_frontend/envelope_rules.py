"""Who may send to whom. Port 25 takes mail from anybody for those who receive here; submission brings rules of its
own.

A rule is a question that still lacks its directory; one that needs no directory is answered on the spot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from postern import replies
from postern.model import Envelope, Session
from postern.ports import SiteSource
from postern.recipients import Directory, MailPath, Resolution, is_known_reverse_path, resolve
from postern.replies import Reply

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
        site = self.sites.site()
        default_domain = site.local_domains[0] if site.local_domains else site.hostname
        return lambda directory: resolve(
            path,
            directory,
            default_domain=default_domain,
            may_relay=session.trusted,
            smtputf8=envelope.smtputf8,
        )
