"""What policy says of a client before anything is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from postern.networks import is_within, read_address
from postern.ports import SiteSource
from postern.session.screening_policy import ScreeningMode, ScreeningPolicy
from postern.session.subjects import is_screened

MAX_REMEMBERED = 10_000
LOOK_EVERY = timedelta(seconds=1)
"""How often the site's facts are looked at; a flood must not have them read for each of its connections."""


class Standing(Enum):
    """Nobody's business, shut out by the list, or like everybody else."""

    EXEMPT = auto()
    LISTED = auto()
    SCREENED = auto()


class Standings:
    """The standing of clients, remembered until policy changes."""

    def __init__(self, sites: SiteSource) -> None:
        self._sites = sites
        self._trusted: tuple[str, ...] = ()
        self._policy: ScreeningPolicy | None = None
        self._next_look = datetime.min.replace(tzinfo=UTC)
        self._known: dict[str, Standing] = {}

    def of(self, client_ip: str | None, policy: ScreeningPolicy, now: datetime) -> Standing:
        """The client's standing."""
        if client_ip is None or policy.mode is ScreeningMode.OFF or not is_screened(client_ip):
            return Standing.EXEMPT
        if policy is not self._policy or now >= self._next_look or len(self._known) >= MAX_REMEMBERED:
            self._look(policy, now)
        if client_ip not in self._known:
            self._known[client_ip] = _standing(client_ip, (*policy.allow, *self._trusted), policy.ban)
        return self._known[client_ip]

    def _look(self, policy: ScreeningPolicy, now: datetime) -> None:
        site = self._sites.site()
        trusted = (*site.trusted_networks, *site.trusted_forwarders)
        if trusted != self._trusted or policy != self._policy or len(self._known) >= MAX_REMEMBERED:
            self._known = {}
        self._trusted, self._policy, self._next_look = trusted, policy, now + LOOK_EVERY


def _standing(client_ip: str, exempt: tuple[str, ...], listed: tuple[str, ...]) -> Standing:
    client = read_address(client_ip)
    if is_within(client, exempt):
        return Standing.EXEMPT
    return Standing.LISTED if is_within(client, listed) else Standing.SCREENED
