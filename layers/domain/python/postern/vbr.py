"""Vouch By Reference (RFC 5518): the VBR-Info field, read and written, and what a certifier's answer says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postern.dkim.tags import TagListError, colon_list, read_tag_list
from postern.message import Message
from postern.mime.domain_labels import to_ascii_domain
from postern.model import HeaderField

FIELD_NAME = "VBR-Info"
ALL_TYPES = "all"

MAX_FIELDS = 8
"""VBR-Info fields looked at."""
MAX_CERTIFIERS = 10
"""Certifiers read from one field."""
MAX_FIELD_LENGTH = 4_000

_TYPE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class VbrClaim:
    """What one VBR-Info field claims: certifiers vouch for this domain's messages of this type."""

    domain: str
    message_type: str
    certifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VbrClaims:
    """The claims of a message; `malformed` counts fields that could not be read."""

    claims: tuple[VbrClaim, ...]
    malformed: int = 0

    def contradicts_itself(self, domain: str) -> bool:
        """Whether two fields name different types for one domain, so that nobody knows which one to ask about."""
        return len({claim.message_type for claim in self.claims if claim.domain == domain}) > 1


def read_claims(message: Message) -> VbrClaims:
    """The claims of the topmost `MAX_FIELDS` VBR-Info fields, in header order."""
    read = [read_claim(field.unfolded) for field in message.fields(FIELD_NAME)[:MAX_FIELDS]]
    claims = tuple(claim for claim in read if claim)
    return VbrClaims(claims, len(read) - len(claims))


def read_claim(value: str) -> VbrClaim | None:
    """One field's value, or `None` when it is not of the form `md=…; mc=…; mv=…` (any order)."""
    if len(value) > MAX_FIELD_LENGTH:
        return None
    try:
        tags = {name.lower(): text for name, text in read_tag_list(value).items()}
    except TagListError:
        return None
    domain = to_ascii_domain(tags.get("md", ""))
    message_type = tags.get("mc", "").lower()
    named = (to_ascii_domain(name) for name in colon_list(tags.get("mv", ""))[:MAX_CERTIFIERS])
    certifiers = tuple(dict.fromkeys(name for name in named if name))
    if not domain or not certifiers or not _TYPE.fullmatch(message_type):
        return None
    return VbrClaim(domain, message_type, certifiers)


def query_name(domain: str, certifier: str) -> str:
    """Where a certifier publishes what it vouches for (RFC 5518 §6)."""
    return f"{domain}._vouch.{certifier}"


def vouches(records: Iterable[str], message_type: str) -> bool:
    """Whether a certifier's TXT records cover a type of message, by name or as `all`."""
    words = {word for record in records for word in record.lower().split()}
    return ALL_TYPES in words or message_type in words


def vbr_info(domain: str, message_type: str, certifiers: Sequence[str]) -> HeaderField:
    """The field for an outgoing message of `domain`. Raises `ValueError` for what cannot be claimed."""
    claim = read_claim(f"md={domain}; mc={message_type}; mv={':'.join(certifiers)}")
    if claim is None or len(claim.certifiers) != len(certifiers):
        raise ValueError("VBR-Info needs a domain, a type of message and the certifiers' domains")
    names = ":".join(claim.certifiers)
    return HeaderField(FIELD_NAME, f"md={claim.domain}; mc={claim.message_type}; mv={names}")
