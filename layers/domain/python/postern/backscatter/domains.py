"""The domains whose reports must prove themselves, and the tag that their outgoing mail gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from postern.backscatter.keys import KeyRing
from postern.backscatter.tags import day_number, signed
from postern.mime.domain_labels import to_ascii_domain
from postern.policy import PolicyError, setting


class SendingRoute(StrEnum):
    """How a domain's mail leaves. Amazon SES puts in a reverse-path of its own, so a tag never reaches anybody."""

    DIRECT = "direct"
    SES = "ses"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedDomain:
    """One domain. All its outgoing mail must pass here, or reports about the rest of it are refused."""

    domain: str = setting("", "the domain of the addresses")
    signing_since: str = setting("", "the day from which all its mail is signed or recorded, e.g. 2026-11-22")
    route: SendingRoute = setting(SendingRoute.DIRECT, "how its mail leaves: direct (tags) or ses (sent Message-IDs)")
    sign: bool = setting(True, "tag outgoing mail; without it, what comes back is verified all the same")

    def __post_init__(self) -> None:
        """Refuse what would protect nothing."""
        if self.domain != self.domain.lower() or to_ascii_domain(self.domain) != self.domain or not self.domain:
            raise PolicyError(f"{self.domain!r} is no domain in lower case such as example.com")
        _read_day(self.signing_since)

    def enforced_from(self, wait: timedelta) -> datetime:
        """From when on an unproven report can be refused: by then everything that may come back was signed."""
        return _read_day(self.signing_since) + wait


def protected_domain(domains: Iterable[ProtectedDomain], name: str) -> ProtectedDomain | None:
    """The entry for a domain."""
    return next((one for one in domains if one.domain == to_ascii_domain(name)), None)


def signed_reverse_path(address: str, domains: Iterable[ProtectedDomain], ring: KeyRing, now: datetime) -> str:
    """The reverse-path to send with: tagged where its domain is protected that way, else unchanged.

    `address` is the account's canonical address, so that the tag holds whatever case a relay makes of it.
    """
    entry = protected_domain(domains, address.rpartition("@")[2])
    key = ring.signing_key()
    if entry is None or key is None or not entry.sign or entry.route is not SendingRoute.DIRECT:
        return address
    return signed(address, key, day_number(now)) or address


def _read_day(text: str) -> datetime:
    try:
        day = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise PolicyError(f"signing_since: {text!r} is no day such as 2026-11-22") from wrong
    return day if day.tzinfo else day.replace(tzinfo=UTC)
