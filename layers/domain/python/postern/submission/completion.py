"""What a submission server completes in a message (RFC 6409 §8): Date, Message-ID, and the domain of a From without.

A header of more than `MAX_FIELDS` fields is left alone. Every other octet stays as it is. `Bcc` stays, too: whether its
readers may see it is what the writer's program decided (RFC 5322 §3.6.3), and taking it out would change what that
program may have signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum

from postern.header_lines import encode_field
from postern.message import HeaderField as RawField
from postern.mime.headers import HeaderSection, read_header_section
from postern.mime.limits import MAX_AUTHOR_CHARACTERS
from postern.model import HeaderField

_LOCAL_PART = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_BARE = re.compile(rb"[ \t\r\n]*(" + _LOCAL_PART + rb")[ \t\r\n]*")
_IN_BRACKETS = re.compile(rb'[^<>@"(),;:\\]*(?:"[^"\\<>@]*"[ \t\r\n]*)?<(' + _LOCAL_PART + rb")>[ \t\r\n]*")


MAX_FIELDS = 1_000


class Completed(StrEnum):
    """What was completed; the names are observations of the transaction."""

    DATE = "SUBMISSION_DATE_ADDED"
    MESSAGE_ID = "SUBMISSION_MESSAGE_ID_ADDED"
    AUTHOR_DOMAIN = "SUBMISSION_AUTHOR_DOMAIN_ADDED"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is put in: the time, the Message-ID without its brackets, and the domain of a From that has none."""

    now: datetime
    message_id: str
    domain: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A header section, completed, and what was done to it; nothing is what it mostly is."""

    head: bytes
    done: tuple[Completed, ...] = ()


def complete(head: bytes, facts: Facts) -> Completion:
    """Complete `head`, which is a message up to the end of its header section, or beyond."""
    section = read_header_section(head, 0, len(head), max_bytes=len(head), max_fields=MAX_FIELDS, of_message=True)
    if len(section.fields) >= MAX_FIELDS:
        return Completion(head)
    keys = {field.key for field in section.fields}
    added = tuple(
        (what, field)
        for what, field in (
            (Completed.DATE, HeaderField("Date", format_datetime(facts.now))),
            (Completed.MESSAGE_ID, HeaderField("Message-ID", f"<{facts.message_id}>")),
        )
        if field.name.lower() not in keys
    )
    author_end = _end_of_domainless_author(section)
    done = [what for what, _ in added]
    if author_end is not None:
        head = head[:author_end] + b"@" + facts.domain.encode("ascii") + head[author_end:]
        done.append(Completed.AUTHOR_DOMAIN)
    return Completion(_with_fields(head, section, [field for _, field in added]), tuple(done))


def _with_fields(head: bytes, section: HeaderSection, fields: list[HeaderField]) -> bytes:
    """The fields in front of the first one: what stands before that is no header."""
    if not fields:
        return head
    written = b"".join(map(encode_field, fields))
    if not section.fields:
        return written + (b"" if head.startswith(b"\r\n") else b"\r\n") + head
    first = section.fields[0].offset
    return head[:first] + written + head[first:]


def _end_of_domainless_author(section: HeaderSection) -> int | None:
    """Where the local part ends of the one author, if it stands alone."""
    authors = [field for field in section.fields if field.key == "from"]
    return _end_of_local_part(authors[0]) if len(authors) == 1 else None


def _end_of_local_part(field: RawField) -> int | None:
    value = field.raw_value
    if len(value) > MAX_AUTHOR_CHARACTERS:
        return None
    found = _BARE.fullmatch(value) or _IN_BRACKETS.fullmatch(value)
    return field.colon + 1 + found.end(1) if found else None
