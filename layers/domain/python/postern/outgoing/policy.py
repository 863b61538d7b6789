"""What a postmaster may set about mail to other sites' servers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.outgoing.target import RelayTarget, TargetTls
from postern.policy import Scope, setting

SECTION = "outgoing"
_BY_SENDING_DOMAIN = (Scope.GLOBAL, Scope.DOMAIN)


class OutgoingRoute(StrEnum):
    """How mail leaves: to each domain's own servers, all of it to one server, or through Amazon SES."""

    MX = "mx"
    SMARTHOST = "smarthost"
    SES = "ses"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingPolicy:
    """Mail to servers that are not ours. A domain's settings count for mail that its addresses send."""

    route: OutgoingRoute = setting(
        OutgoingRoute.MX,
        "mx: to each domain's own servers, which needs an open port 25; smarthost; or ses",
        scopes=_BY_SENDING_DOMAIN,
    )
    smarthost_host: str = setting(
        "", "the server that takes all mail when route is smarthost", scopes=_BY_SENDING_DOMAIN
    )
    smarthost_port: int = setting(
        587, "its port; 465 speaks TLS from the start", scopes=_BY_SENDING_DOMAIN, minimum=1, maximum=65535
    )
    smarthost_tls: TargetTls = setting(
        TargetTls.VERIFIED, "none, opportunistic or verified; a login needs verified", scopes=_BY_SENDING_DOMAIN
    )
    smarthost_user: str = setting("", "user to log in as; empty for no login", scopes=_BY_SENDING_DOMAIN)
    smarthost_secret: str = setting("", "name or ARN of the secret that holds the password", scopes=_BY_SENDING_DOMAIN)
    ses_configuration_set: str = setting(
        "", "configuration set to send by when route is ses", scopes=_BY_SENDING_DOMAIN
    )
    mx_tls: TargetTls = setting(TargetTls.OPPORTUNISTIC, "TLS to the servers of other domains")
    mx_port: int = setting(
        25, "port of the servers of other domains; another one is for trying out", minimum=1, maximum=65535
    )
    private_hosts: bool = setting(False, "send to servers at private and loopback addresses too; for trying out")
    per_host: int = setting(4, "connections to one server at once, per front end", minimum=1, maximum=50)
    expires_after_days: int = setting(5, "days after which mail that nobody took is given up", minimum=1, maximum=14)
    warn_after_hours: int = setting(
        4, "hours after which its sender is told once that mail waits; 0 tells nobody", minimum=0, maximum=336
    )

    @property
    def smarthost(self) -> RelayTarget:
        """The smarthost as a target."""
        return RelayTarget(
            self.smarthost_host, self.smarthost_port, self.smarthost_tls, self.smarthost_user, self.smarthost_secret
        )

    @property
    def problem(self) -> str:
        """Why nothing can be sent by these settings, or empty."""
        if self.route is not OutgoingRoute.SMARTHOST:
            return ""
        if not self.smarthost_host:
            return "outgoing.route is smarthost, and outgoing.smarthost_host is not set"
        if bool(self.smarthost_user) != bool(self.smarthost_secret):
            return "outgoing.smarthost_user and outgoing.smarthost_secret belong together"
        if self.smarthost_user and self.smarthost_tls is not TargetTls.VERIFIED:
            return "outgoing.smarthost_tls: a password is only sent over verified TLS"
        return ""
