"""Header housekeeping: what we write on every message, and what of the incoming header we take away.

A reader of a delivered message must be able to trust what stands under our names, so fields that only we write are
removed when they come in. Everything else, and the body, stays as it is, octet for octet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postern.authres.forgery import names_us
from postern.authres.writing import FIELD_NAME, write_results
from postern.disposition import points_text
from postern.header_lines import clean_value, encode_field
from postern.message import HeaderField as RawField
from postern.message import Message
from postern.mime.headers import read_header_section
from postern.model import CheckResult, Finding, HeaderField, RecipientDecision, Site, Transaction
from postern.received_field import received_field
from postern.sections import SpamFilterPolicy

Results = Mapping[str, CheckResult[Any]]

MAX_HOPS = 50
"""Received fields a message may have; more of them mean a loop (RFC 5321 §6.3)."""

MAX_LEVEL = 50
"""Stars in X-Spam-Level."""
MAX_TESTS = 100
MAX_DETAIL = 100
MAX_REMOVED_VALUE = 500

_OURS_ALONE = frozenset({"return-path", "x-lookup-warning"})
_OURS_ALONE_PREFIX = "x-spam-"
_UNSAFE_IN_NAME = re.compile(r"[^0-9A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Stamped:
    """A message with our header fields on top, and the fields that were taken out of it."""

    message: bytes
    removed: tuple[HeaderField, ...]


# --- what we write -----------------------------------------------------------------------------------------


def trace_headers(transaction: Transaction, results: Results) -> tuple[HeaderField, ...]:
    """The fields every copy gets, topmost first: results above our Received (RFC 8601 §5, RFC 7208 §9.1)."""
    return (
        authentication_results(results, transaction.site),
        *(field for result in results.values() for field in result.headers),
        received_field(transaction),
    )


def authentication_results(results: Results, site: Site) -> HeaderField:
    """What every check has to say to later readers."""
    methods = (method for result in results.values() for method in result.methods)
    return HeaderField(FIELD_NAME, write_results(site.authserv_id, methods))


def spam_headers(decided: RecipientDecision, results: Results, settings: SpamFilterPolicy) -> tuple[HeaderField, ...]:
    """The X-Spam fields of one recipient's copy."""
    findings = [finding for result in results.values() for finding in result.findings if _concerns(finding, decided)]
    score = points_text(decided.score)
    hits = ", ".join(_name(finding) for finding in findings[:MAX_TESTS] if finding.score) or "none"
    answer = "Yes" if decided.flagged else "No"
    fields = [
        HeaderField("X-Spam-Status", f"{answer}, score={score} required={points_text(settings.spam_at)} tests={hits}"),
        HeaderField("X-Spam-Score", score),
    ]
    if decided.score >= 100:
        fields.append(HeaderField("X-Spam-Level", "*" * min(decided.score // 100, MAX_LEVEL)))
    if decided.flagged:
        fields.insert(0, HeaderField("X-Spam-Flag", "YES"))
    if decided.flagged and settings.report:
        fields.append(HeaderField("X-Spam-Report", _report(findings)))
    return tuple(fields)


def return_path(reverse_path: str | None) -> HeaderField:
    """The field final delivery adds on top (RFC 5321 §4.4)."""
    return HeaderField("Return-Path", f"<{reverse_path or ''}>")


def _concerns(finding: Finding, decided: RecipientDecision) -> bool:
    return finding.recipients is None or decided.address in finding.recipients


def _name(finding: Finding) -> str:
    return _UNSAFE_IN_NAME.sub("_", finding.symbol)


def _report(findings: Iterable[Finding]) -> str:
    weighty = sorted((one for one in findings if one.score), key=lambda one: -abs(one.score or 0))
    lines = (
        f"* {points_text(one.score or 0)} {_name(one)} {clean_value(one.detail)[:MAX_DETAIL]}".rstrip()
        for one in weighty[:MAX_TESTS]
    )
    return "; ".join(lines)


# --- what we take away, and the whole ----------------------------------------------------------------------


def stamp(raw: bytes, headers: Sequence[HeaderField], *, authserv_id: str) -> Stamped:
    """`raw` with `headers` on top (in their order) and without the incoming fields that only we write.

    Empty lines or an mbox line before the first field go as well: under our fields they would end the header.
    """
    section = read_header_section(raw, 0, len(raw), max_bytes=len(raw), max_fields=len(raw), of_message=True)
    removed = [field for field in section.fields if is_ours_alone(field, authserv_id)]
    pieces = [encode_field(field) for field in headers]
    if not section.fields and section.body_offset == 0:
        pieces.append(b"\r\n")
    position = section.fields[0].offset if section.fields else 0
    for field in removed:
        pieces.append(raw[position : field.offset])
        position = field.end
    pieces.append(raw[position:])
    return Stamped(b"".join(pieces), tuple(_as_text(field) for field in removed))


def is_ours_alone(field: RawField, authserv_id: str) -> bool:
    """Whether an incoming field is one that only we may write; blanks before its colon do not hide it."""
    if field.key == FIELD_NAME.lower():
        return names_us(field.unfolded, authserv_id)
    return field.key in _OURS_ALONE or field.key.startswith(_OURS_ALONE_PREFIX)


def removed_headers(message: Message, authserv_id: str) -> tuple[HeaderField, ...]:
    """What `stamp` would take away."""
    return tuple(_as_text(field) for field in message.header_fields if is_ours_alone(field, authserv_id))


def _as_text(field: RawField) -> HeaderField:
    return HeaderField(clean_value(field.name), clean_value(field.unfolded)[:MAX_REMOVED_VALUE])


# --- loops -------------------------------------------------------------------------------------------------


def hop_count(message: Message) -> int:
    """How many servers the message has passed; above `MAX_HOPS` it is refused with 554 5.4.6."""
    return len(message.fields("received"))


def was_delivered_to(message: Message, address: str) -> bool:
    """Whether the message has been at `address` before: on alias or redirect it would loop."""
    wanted = address.strip().lower()
    return any(field.unfolded.strip("<> ").lower() == wanted for field in message.fields("delivered-to"))
