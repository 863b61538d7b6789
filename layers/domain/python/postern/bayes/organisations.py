"""Host names to the organisation they belong to, roughly: enough to see whether two names go together.

This is a feature of statistics, not a boundary of trust: DMARC's organizational domain is found by a DNS tree walk
(RFC 9989), which costs queries that a classifier does not ask.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gob", "gov", "go", "ne", "net", "nom", "or", "org"})
_DOTTED_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_ADDRESS = re.compile(r"[^\s<>\"(),;:@]{1,64}@([\w.\-]{1,253})")

FREE_MAIL = frozenset(
    {
        "163.com", "aol.com", "btamail.net.cn", "earthlink.net", "excite.com", "gmail.com", "gmx.de", "gmx.net",
        "hotmail.com", "icloud.com", "juno.com", "live.com", "lycos.com", "mail.com", "mail.ru", "msn.com",
        "netscape.net", "outlook.com", "proton.me", "qq.com", "web.de", "yahoo.co.uk", "yahoo.com", "yandex.ru",
    }
)  # fmt: skip
"""Domains where anyone has an address."""


@lru_cache(maxsize=4_096)
def organisation(host: str) -> str:
    """The last two labels of a host name, three below `co.uk` and its like; lower case."""
    labels = host.lower().strip(".").rsplit(".", 3)
    if len(labels) < 3:
        return ".".join(labels)
    three = len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if three else labels[-2:])


def is_dotted_quad(host: str) -> bool:
    """Whether a host name is written as an IPv4 address."""
    return _DOTTED_QUAD.fullmatch(host) is not None


def first_address(text: str) -> tuple[str, str]:
    """The first thing that looks like an address in a field, lower case, with its host; empty when there is none."""
    match = _ADDRESS.search(text)
    return (match[0].lower(), match[1].lower()) if match else ("", "")


def every_address(text: str) -> list[str]:
    """All that looks like an address, lower case."""
    return [match[0].lower() for match in _ADDRESS.finditer(text)]


def magnitude(count: float) -> str:
    """The order of a count, in powers of two: what differs by little is the same token."""
    return str(min(12, int(count).bit_length()))
