"""DNS questions and answers as the checks see them: "no record" and "could not ask" are different words.

Records are text in one canonical form per type: `A`/`AAAA` the address, `PTR`/`CNAME`/`NS` the name in lower case
without the final dot, `MX` `"10 mail.example.com"` (a null MX is `"0 ."`), `TXT` its character-strings joined, one
character per octet (Latin-1), so that any octet survives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MAX_NAME_LENGTH = 253  # RFC 1035 §2.3.4, as text without the final dot
MAX_LABEL_LENGTH = 63


class DnsStatus(StrEnum):
    """How a question ended."""

    FOUND = "found"
    NO_DATA = "no data"
    NXDOMAIN = "nxdomain"
    TIMEOUT = "timeout"
    SERVFAIL = "servfail"
    INVALID_NAME = "invalid name"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Question:
    """A name in presentation form and a record type such as `TXT`.

    `shown` is what people are shown in place of a name that holds a secret, such as the key of a list's account.
    """

    name: str
    rdtype: str
    shown: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """The answer to one question; `records` is empty unless `status` is `FOUND`."""

    status: DnsStatus
    records: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the question could not be answered: our trouble or the domain's, never "no record"."""
        return self.status in (DnsStatus.TIMEOUT, DnsStatus.SERVFAIL, DnsStatus.NOT_ASKED)

    @property
    def absent(self) -> bool:
        """Whether it is certain that there is no such record."""
        return self.status in (DnsStatus.NO_DATA, DnsStatus.NXDOMAIN, DnsStatus.INVALID_NAME)


def canonical_name(name: str) -> str:
    """`name` in lower case without the final dot."""
    return name.rstrip(".").lower() if name != "." else "."


def is_askable(name: str) -> bool:
    """Whether `name` can be put into a DNS question: lengths of labels and of the whole (RFC 1035 §2.3.4)."""
    try:
        octets = canonical_name(name).encode("utf-8")
    except UnicodeEncodeError:  # a sender's octets that were no text
        return False
    return len(octets) <= MAX_NAME_LENGTH and all(0 < len(label) <= MAX_LABEL_LENGTH for label in octets.split(b"."))
