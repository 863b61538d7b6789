"""Which channel of stock rules a site follows, and whose word counts for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postern.dns import is_askable
from postern.policy import PolicyError, setting

SECTION = "rule_channel"
LANGUAGE_VERSION = "4.0.1"
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChannelPolicy:
    """A channel of stock rules that is fetched twice a day. Its keys are stored by `postern rules trust`."""

    channel: str = setting("", "domain of the channel, such as updates.spamassassin.org; empty: nothing is fetched")
    fingerprints: tuple[str, ...] = setting((), "fingerprints of the keys that may sign it, 40 hexadecimal digits each")

    def __post_init__(self) -> None:
        if self.channel and (not is_askable(version_name(self.channel)) or "." not in self.channel):
            raise PolicyError(f"{SECTION}.channel: {self.channel!r} is no domain")
        if self.channel and not self.fingerprints:
            raise PolicyError(f"{SECTION}.fingerprints: a channel needs the fingerprint of a key that signs it")
        self.trusted()

    def trusted(self) -> frozenset[str]:
        """The fingerprints in their one form. Raises `PolicyError`."""
        try:
            return frozenset(map(read_fingerprint, self.fingerprints))
        except ValueError as wrong:
            raise PolicyError(f"{SECTION}.fingerprints: {wrong}") from wrong


def version_name(channel: str) -> str:
    """The name in the DNS at which the channel's version for our version of the language stands."""
    return f"{'.'.join(reversed(LANGUAGE_VERSION.split('.')))}.{channel}"


def read_fingerprint(text: str) -> str:
    """A fingerprint in one form, as people write it with or without blanks. Raises `ValueError`."""
    plain = re.sub(r"\s|^0x", "", text).upper()
    if not _FINGERPRINT.fullmatch(plain):
        raise ValueError(f"{text!r} is no fingerprint; it has 40 hexadecimal digits")
    return plain
