"""What policy says of a client before anything is counted."""

from __future__ import annotations

from enum import Enum, auto

from postern.networks import is_within, read_address
from postern.ports import SiteSource
from postern.session.screening_policy import ScreeningMode, ScreeningPolicy
from postern.session.subjects import is_screened

MAX_REMEMBERED = 10_000


class Standing(Enum):
    """Nobody's business, shut out by the list, or like everybody else."""

    EXEMPT = auto()
    LISTED = auto()
    SCREENED = auto()


class Standings:
    """The standing of clients, remembered until policy changes."""

    def __init__(self, sites: SiteSource) -> None:
        self._sites = sites
        self._by: tuple[object, ...] = ()
        self._known: dict[str, Standing] = {}

    def of(self, client_ip: str | None, policy: ScreeningPolicy) -> Standing:
        """The client's standing."""
        if client_ip is None or policy.mode is ScreeningMode.OFF or not is_screened(client_ip):
            return Standing.EXEMPT
        site = self._sites.site()
        exempt = (*policy.allow, *site.trusted_networks, *site.trusted_forwarders)
        if self._by != (exempt, policy.ban) or len(self._known) >= MAX_REMEMBERED:
            self._by = (exempt, policy.ban)
            self._known = {}
        if client_ip not in self._known:
            self._known[client_ip] = _standing(client_ip, exempt, policy.ban)
        return self._known[client_ip]


def _standing(client_ip: str, exempt: tuple[str, ...], listed: tuple[str, ...]) -> Standing:
    client = read_address(client_ip)
    if is_within(client, exempt):
        return Standing.EXEMPT
    return Standing.LISTED if is_within(client, listed) else Standing.SCREENED
