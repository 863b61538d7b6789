"""DMARC policy records (RFC 9989 §4.7, §4.8). Errors beyond the version are read as if the tag were absent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from postern.evidence import DmarcPolicy

MAX_RECORD_LENGTH = 4_000
MAX_TAGS = 50
MAX_URIS = 10

_VERSION = re.compile(r"[ \t]*+v[ \t]*+=[ \t]*+DMARC1[ \t]*+(?:;|\Z)")
_TAG = re.compile(r"[ \t]*+([A-Za-z]++)[ \t]*+=[ \t]*+([ -:<-~]*)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:[^\s,!]++")
_MAILTO = re.compile(r"mailto:[^\s,!@]++@[^\s,!@]++", re.IGNORECASE)


class PublicSuffix(StrEnum):
    """The `psd=` tag: whether the domain is one below which others register theirs."""

    YES = "y"
    NO = "n"
    UNKNOWN = "u"


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A record whose version is right. Policies are `None` where the tag is absent.

    `usable` is false when there is no policy to apply and no report asked for: then DMARC does not apply to the
    message (RFC 9989 §4.10.1).
    """

    text: str
    policy: DmarcPolicy | None = None
    subdomain_policy: DmarcPolicy | None = None
    nonexistent_policy: DmarcPolicy | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    public_suffix: PublicSuffix = PublicSuffix.UNKNOWN
    testing: bool = False
    report_uris: tuple[str, ...] = ()
    failure_uris: tuple[str, ...] = ()
    failure_options: str = "0"
    usable: bool = True


def is_record(text: str) -> bool:
    """Whether a TXT record is a DMARC record: its first tag is the version, letter for letter."""
    return _VERSION.match(text) is not None


def read_record(text: str) -> DmarcRecord:
    """The record; call it for texts of which `is_record` is true."""
    text = text[:MAX_RECORD_LENGTH]
    tags = _tags(text)
    rua = _uris(tags.get("rua", ""))
    valid = _is_policy(tags.get("p")) and all(_is_policy(tags[name]) for name in ("sp", "np") if name in tags)
    psd = tags.get("psd", "").lower()
    return DmarcRecord(
        text=text,
        policy=DmarcPolicy(tags["p"].lower()) if valid else DmarcPolicy.NONE,
        subdomain_policy=_policy(tags, "sp") if valid else None,
        nonexistent_policy=_policy(tags, "np") if valid else None,
        strict_dkim=tags.get("adkim", "").lower() == "s",
        strict_spf=tags.get("aspf", "").lower() == "s",
        public_suffix=PublicSuffix(psd) if psd in ("y", "n") else PublicSuffix.UNKNOWN,
        testing=tags.get("t", "").lower() == "y",
        report_uris=rua,
        failure_uris=_uris(tags.get("ruf", "")),
        failure_options=tags.get("fo", "0"),
        usable=valid or bool(rua),
    )


def _tags(text: str) -> Mapping[str, str]:
    """Tags by lower-case name; of a tag that occurs twice the first counts."""
    tags: dict[str, str] = {}
    for spec in text.split(";", MAX_TAGS)[:MAX_TAGS]:
        found = _TAG.fullmatch(spec)
        if found:
            tags.setdefault(found[1].lower(), found[2].strip(" \t"))
    return tags


def _is_policy(value: str | None) -> bool:
    return value is not None and value.lower() in tuple(DmarcPolicy)


def _policy(tags: Mapping[str, str], name: str) -> DmarcPolicy | None:
    return DmarcPolicy(tags[name].lower()) if name in tags else None


def _uris(value: str) -> tuple[str, ...]:
    """Valid report addresses, without the obsolete `!size` (RFC 9989 §4.8, obs-dmarc-uri)."""
    written = (entry.strip().partition("!")[0] for entry in value.split(",", MAX_URIS)[:MAX_URIS])
    return tuple(uri for uri in written if _is_uri(uri))


def _is_uri(uri: str) -> bool:
    pattern = _MAILTO if uri[:7].lower() == "mailto:" else _URI
    return pattern.fullmatch(uri) is not None
