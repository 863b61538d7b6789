"""Received fields (RFC 5321 §4.4), as the many programs that write them do: what each says, as far as it can be told.

These are claims. Whoever needs to know which client connected reads only the fields of servers he trusts, and those by
the strict `postern.received_hop`, which rather says nothing than guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

from postern.mime.dates import parse_date

_MAX_CHARACTERS = 4_096
_MAX_TOKENS = 500
_INNER = r"\((?:[^()]++|\([^()]*+\))*+\)"
_TOKEN = re.compile(rf"\(((?:[^()]++|{_INNER})*+)\)|([^\s();]++)")
_KEYWORDS = frozenset({"from", "by", "via", "with", "id", "for"})
_FROM_IN_COMMENT = re.compile(r"\(from\s([^()]*+)\)", re.IGNORECASE)
_HELO = re.compile(r"\b(?:helo|ehlo|lhlo)[= ]+(\[[^\]\s]*\]|[^\s\[\]=,;()]+)(?![^\s,;()\]])", re.IGNORECASE)
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_PORT = re.compile(r"(?<=\d):\d{1,5}\Z")
_PROTOCOL = re.compile(
    r"(?<![a-z])(?:local-)?b?((?:utf8)?(?:e|l)?(?:smtp|mtp)s?a?|https?|imaps?|pop3s?|mms|local)(-tls)?(?![a-rt-z])",
    re.IGNORECASE,
)
_WITH_SUFFIX = re.compile(r"(http|smtp)(?=rest|svc)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trace:
    """One Received field. What it does not say is empty or None.

    `from_name` is what the client called itself or was found to be, `client_address` the address beside it,
    `protocol` one of the registered transmission types (RFC 3848), in capitals.
    """

    from_name: str = ""
    client_address: str = ""
    helo: str = ""
    by: str = ""
    via: str = ""
    protocol: str = ""
    identifier: str = ""
    for_address: str = ""
    date: datetime | None = None


@dataclass(slots=True)
class _Clause:
    """The words after one keyword, and the comments between them."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The first word without brackets, and without the port of `[192.0.2.1]:25`."""
        return self.words[0].partition("]:")[0].strip("<>[],") if self.words else ""


def parse_trace(text: str) -> Trace:
    """Read one Received field; folds may stand in it."""
    text = text[:_MAX_CHARACTERS]
    clauses = _clauses(_FROM_IN_COMMENT.sub(r"from \1 ", text, count=1))
    origin = clauses["from"]
    remarks = ", ".join(origin.comments)
    helo = _HELO.search(remarks)
    return Trace(
        from_name="" if "@" in origin.first and "<" in origin.words[0] else origin.first,
        client_address=_client_address([*_HELO.sub("", remarks).replace(",", " ").split(), *origin.words[1:]]),
        helo=helo.group(1).strip("[]") if helo else "",
        by=clauses["by"].first,
        via=clauses["via"].first,
        protocol=_protocol(" ".join(clauses["with"].words)),
        identifier=clauses["id"].first,
        for_address=clauses["for"].first,
        date=parse_date(text),
    )


def _clauses(text: str) -> dict[str, _Clause]:
    clauses = {keyword: _Clause() for keyword in _KEYWORDS}
    current, seen = _Clause(), set()
    for _, match in zip(range(_MAX_TOKENS), _TOKEN.finditer(text), strict=False):
        comment, word = match.groups()
        keyword = word.lower() if word else ""
        if keyword in _KEYWORDS and keyword not in seen:
            seen.add(keyword)
            current = clauses[keyword]
        elif word:
            current.words.append(word)
        else:
            current.comments.append(comment)
    return clauses


def _client_address(words: list[str]) -> str:
    """The first address in the comments, or after the name."""
    for word in words:
        bracketed = _BRACKETED.search(word)
        address = _address(bracketed.group(1) if bracketed else word.strip("()[]"))
        if address:
            return address
    return ""


def _address(text: str) -> str:
    text = text.removeprefix("IPv6:").strip("()")
    try:
        return str(ip_address(_PORT.sub("", text) if text.count(":") == 1 else text))
    except ValueError:
        return ""


def _protocol(words: str) -> str:
    found = _PROTOCOL.search(_WITH_SUFFIX.sub(r"\1 ", words))
    if found is None:
        return ""
    return found.group(1).upper() + ("S" if found.group(2) else "")
