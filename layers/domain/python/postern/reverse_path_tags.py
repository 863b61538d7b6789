"""Reverse-paths without what changes from message to message, so that a retry and the next message look alike.

Systems put proofs and counters into the local part: bounce address tags (draft-levine-smtp-batv and the forms of
other makers), the rewriting of forwarders (SRS), and the numbers of mailings (VERP).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from postern.mime.domain_labels import to_ascii_domain

MAX_LOCAL_PART = 512
"""Characters that are looked at; RFC 5321 §4.5.3.1.1 allows 64."""

MASK = "#"
_MAX_WRAPPINGS = 4
_WRAPPINGS = (
    re.compile(r"prvs=[0-9]{4}[0-9a-f]{6}=(?P<inner>.+)"),  # draft-levine-smtp-batv
    re.compile(r"prvs=(?P<inner>.+)/[0-9]{4}[0-9a-f]{6}"),  # its first editions
    re.compile(r"(?P<inner>.+)\+prvs=[0-9]{4}[0-9a-f]{6}"),  # batv-tools
    re.compile(r"btv1==[^=]+==(?P<inner>.+)"),  # Barracuda
    re.compile(r"msprvs1=[^=]+=(?P<inner>.+)"),  # Momentum, SparkPost
    re.compile(r"(?P<head>srs0)[=+-][^=]+=[^=]+=(?P<inner>[^=]+=.+)"),
    re.compile(r"(?P<head>srs1)[=+-][^=]+=[^=]+==[^=]+=[^=]+=(?P<inner>[^=]+=.+)"),
    re.compile(r"(?P<head>[^+=]+)\+srs=[^=]+=[^=]+(?:=(?P<inner>.+))?"),  # Exchange Online
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SEPARATORS = re.compile(r"([-+=._])")
_HEXADECIMAL = re.compile(r"(?=.*[0-9])[0-9a-f]{6,}")
_MIXED = re.compile(r"(?=(?:.*[0-9]){3})(?=.*[a-z])[0-9a-z]{10,}")
_MASKS = re.compile(rf"{MASK}(?:[-+=._]{MASK})+")


def untagged(reverse_path: str) -> str:
    """The reverse-path in lower case, its tags taken off and its numbers masked; the local part's form is kept.

    `prvs=0786d6aa1a=Ann@Example.com` becomes `ann@example.com`, `bounce-81723-ann=example.org@list.example` becomes
    `bounce-#-ann=example.org@list.example`.
    """
    local_part, _, domain = unwrapped(reverse_path).rpartition("@")
    return f"{_masked(local_part)}@{domain}"


def unwrapped(reverse_path: str) -> str:
    """The reverse-path in lower case with its tags taken off, numbers kept: whose it is."""
    local_part, _, domain = reverse_path.rpartition("@")
    plain = local_part.lower()[:MAX_LOCAL_PART]
    for _ in range(_MAX_WRAPPINGS):
        inner = next(_inside(plain), None)
        if inner is None:
            break
        plain = inner
    return f"{plain}@{to_ascii_domain(domain) or domain.lower()}"


def _inside(local_part: str) -> Iterator[str]:
    """What is inside the outermost tag, if there is one; a forwarder's own mark stays."""
    for pattern in _WRAPPINGS:
        found = pattern.fullmatch(local_part)
        if found:
            parts = found.groupdict()
            yield "/".join(part for part in (parts.get("head"), parts.get("inner")) if part)


def _masked(local_part: str) -> str:
    if local_part.isdigit():
        return local_part  # some providers give their people numbers for names
    words = _SEPARATORS.split(_UUID.sub(MASK, local_part))
    masked = "".join(MASK if _is_counter(word) else word for word in words)
    return _MASKS.sub(MASK, masked)


def _is_counter(word: str) -> bool:
    """Whether a word looks made by a machine for one message: a number, hexadecimal digits, letters among digits."""
    return word.isdigit() or bool(_HEXADECIMAL.fullmatch(word) or _MIXED.fullmatch(word))
