"""The domains whose reports must prove themselves, and the tag that their outgoing mail gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

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
    ascii_name = to_ascii_domain(name)
    return next((one for one in domains if one.domain == ascii_name), None)


def _read_day(text: str) -> datetime:
    try:
        day = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise PolicyError(f"signing_since: {text!r} is no day such as 2026-11-22") from wrong
    return day if day.tzinfo else day.replace(tzinfo=UTC)
