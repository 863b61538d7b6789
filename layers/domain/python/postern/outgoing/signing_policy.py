"""What policy says about the marks of outgoing mail: its DKIM signature, and who vouches for it."""

from __future__ import annotations

from dataclasses import dataclass

from postern.mime.domain_labels import to_ascii_domain
from postern.policy import PolicyError, Scope, setting
from postern.vbr import ALL_TYPES, vbr_info

SIGNING_SECTION = "dkim_signing"
VBR_SECTION = "vbr_info"
_BY_SENDING_DOMAIN = (Scope.GLOBAL, Scope.DOMAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSigningPolicy:
    """DKIM signatures of outgoing mail. A domain's settings count for mail whose author is in it."""

    sign: bool = setting(True, "sign outgoing mail, when there is a key", scopes=_BY_SENDING_DOMAIN)
    signing_domain: str = setting(
        "",
        "the domain whose keys sign; empty for the author's own, or the nearest above it that has keys",
        scopes=_BY_SENDING_DOMAIN,
    )
    required: bool = setting(
        False, "defer mail of our domains that cannot be signed for want of a key", scopes=_BY_SENDING_DOMAIN
    )

    def __post_init__(self) -> None:
        """Refuse what is no domain."""
        if self.signing_domain and to_ascii_domain(self.signing_domain) != self.signing_domain:
            raise PolicyError(f"{SIGNING_SECTION}.signing_domain: {self.signing_domain!r} is no domain in lower case")


@dataclass(frozen=True, slots=True, kw_only=True)
class VbrInfoPolicy:
    """The VBR-Info field of outgoing mail. A domain's settings count for mail whose author is in it."""

    certifiers: tuple[str, ...] = setting(
        (), "certifiers that vouch for the domain, at most 10; without any nothing is added", scopes=_BY_SENDING_DOMAIN
    )
    message_type: str = setting(ALL_TYPES, "the type of mail they vouch for", scopes=_BY_SENDING_DOMAIN)

    def __post_init__(self) -> None:
        """Refuse what could not be claimed."""
        if not self.certifiers:
            return
        try:
            vbr_info("example.com", self.message_type, self.certifiers)
        except ValueError as wrong:
            raise PolicyError(f"{VBR_SECTION}: {wrong}") from wrong
