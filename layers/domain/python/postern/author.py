"""Whom a message claims to be from: one strict rule for everybody who asks, DMARC first of all (RFC 9989).

A forger gains when the filter reads one author and the mail reader shows another. So an author is only named when
every way to read the From field leads to the same address. Otherwise there is none, problem words say why, and all
domains that some reader might show are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from postern.author_field import HARMLESS, AuthorProblem, candidate_domains, read_author_field
from postern.message import Defect, DefectCode, HeaderField, Message
from postern.mime.addresses import Mailbox
from postern.mime.charsets import decode_unlabelled
from postern.mime.domain_labels import to_ascii_domain

__all__ = ["Author", "AuthorProblem", "extract_author"]

MAX_CANDIDATES = 100
"""Domains named for an ambiguous author."""

MAX_FIELDS = 5
"""From fields that are looked into; one is allowed (RFC 5322 §3.6)."""

_ODD_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"
_FROM_LINE = re.compile(
    rb"(?:\A[ \t\n]*+|^)from(?:\n?[ \t])*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE | re.MULTILINE
)
"""Also with blanks before it where the header begins, and with folds before its colon."""

_END_OF_SECTION = re.compile(rb"\n[ \t]*+\r?\n")
_HEADER_IN_DOUBT = frozenset({DefectCode.JUNK_IN_HEADER, DefectCode.MISSING_SEPARATOR, DefectCode.LEADING_BLANK_LINES})
_HEADER_CUT = frozenset({DefectCode.HEADER_TOO_LARGE, DefectCode.TOO_MANY_FIELDS})


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a message, or why there is none.

    `mailboxes` are all that a tolerant reader sees. `address` (domain in lower case, A-labels) and `domain` are
    empty unless there is exactly one author. `candidate_domains` is that domain, or else every domain that some
    reader might show, at most `MAX_CANDIDATES`.
    """

    mailboxes: tuple[Mailbox, ...]
    address: str
    domain: str
    candidate_domains: tuple[str, ...]
    problems: tuple[AuthorProblem, ...]

    @property
    def display_name(self) -> str:
        """The name beside the first address, as a reader shows it."""
        return self.mailboxes[0].display_name if self.mailboxes else ""


def extract_author(message: Message) -> Author:
    """The one author of `message`, or all candidates when there is any doubt."""
    fields = message.fields("from")[:MAX_FIELDS]
    texts = [decode_unlabelled(one.raw_value) for one in fields]
    hidden = _hidden_values(message, fields)
    read = [read_author_field(text) for text in texts]
    found = [*_header_problems(message, fields, hidden), *(problem for one in read for problem in one.problems)]
    problems = tuple(dict.fromkeys(found))
    mailboxes = tuple(mailbox for one in read for mailbox in one.mailboxes)
    if not HARMLESS.issuperset(problems):
        return Author(mailboxes, "", "", _candidates([*texts, *hidden]), problems)
    author = next(mailbox for mailbox in mailboxes if mailbox.domain)
    domain = to_ascii_domain(author.domain)
    return Author(mailboxes, f"{author.local_part}@{domain}", domain, (domain,), problems)


def _header_problems(
    message: Message, fields: tuple[HeaderField, ...], hidden: tuple[str, ...]
) -> Iterator[AuthorProblem]:
    if not fields:
        yield AuthorProblem.NO_FIELD
    if len(fields) > 1:
        yield AuthorProblem.SEVERAL_FIELDS
    if hidden:
        yield AuthorProblem.HIDDEN_FIELD
    if any(one.code in _HEADER_CUT for one in _defects_of_header(message)):
        yield AuthorProblem.UNREAD_HEADER
    if any(one.raw_name != one.name.encode("latin-1") for one in fields):
        yield AuthorProblem.BLANK_BEFORE_COLON


def _candidates(texts: list[str]) -> tuple[str, ...]:
    every = (domain for text in texts for domain in candidate_domains(text))
    distinct = dict.fromkeys(islice(every, 10 * MAX_CANDIDATES))
    return tuple(islice(distinct, MAX_CANDIDATES))


def _defects_of_header(message: Message) -> list[Defect]:
    return [one for one in message.defects if one.path == message.root.path]


def _hidden_values(message: Message, fields: tuple[HeaderField, ...]) -> tuple[str, ...]:
    """The values of From fields that only other readers see.

    Such readers drop control characters, take a bare carriage return for a line end, or go on past a line that is
    no header field up to the next empty line.
    """
    header = message.header_bytes
    in_doubt = any(one.code in _HEADER_IN_DOUBT for one in _defects_of_header(message))
    if not in_doubt and _ODD_CONTROL.search(header) is None:
        return ()
    end = _END_OF_SECTION.search(message.raw, message.body_offset)
    widened = message.raw[: end.end()] if in_doubt and end else header
    plain = widened.replace(b"\r\n", b"\n").replace(b"\r", b"\n").translate(None, _CONTROLS)
    seen = {_without_controls(one.raw_value) for one in fields}
    every = (match.group(1) for match in _FROM_LINE.finditer(plain))
    return tuple(
        decode_unlabelled(value) for value in islice(every, MAX_FIELDS) if _without_controls(value) not in seen
    )


def _without_controls(value: bytes) -> bytes:
    return value.translate(None, _CONTROLS + b"\r\n").strip()
