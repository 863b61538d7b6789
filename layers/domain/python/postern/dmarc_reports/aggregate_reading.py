"""Reading aggregate reports: those of RFC 9990, of RFC 7489 and of the drafts that are still sent.

Whatever is about authentication itself is taken as it is written; the words that say what DMARC found must be those of
the schema, because everything that is counted rests on them.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime

from postern.dmarc_reports.counting import MAX_SIGNATURES, SignatureResult
from postern.dmarc_reports.received import AggregateFeedback, ReceivedRecord, ReportError
from postern.dmarc_reports.xml_tree import Element, read_tree
from postern.mime.domain_labels import to_ascii_domain

ROOT = "feedback"
MAX_OVERRIDES = 5
MAX_WORD = 255

_DISPOSITIONS = ("none", "pass", "quarantine", "reject")
_VERDICTS = ("pass", "fail")
_NUMBER = re.compile(r"[0-9]{1,12}")


def read_aggregate(document: bytes) -> AggregateFeedback:
    """The report in an XML document. Raises `ReportError`."""
    tree, mended = read_tree(document, ROOT)
    if tree.name != ROOT:
        raise ReportError(f"an XML document, but its root is <{tree.name[:MAX_WORD]}> instead of <{ROOT}>")
    metadata, published = tree.first("report_metadata"), tree.first("policy_published")
    records = tuple(_record(one, f"record {number}") for number, one in enumerate(tree.all("record"), 1))
    if not records:
        raise ReportError("it has no record")
    contact = _word(metadata, "email")
    return AggregateFeedback(
        org_name=_word(metadata, "org_name") or contact.rpartition("@")[2],
        contact=contact,
        report_id=_wanted(metadata, "report_id", "report_metadata"),
        begin=_moment(metadata, "begin"),
        end=_moment(metadata, "end"),
        domain=_domain(published),
        policy=_word(published, "p"),
        records=records,
        mended=mended,
    )


def _record(record: Element, place: str) -> ReceivedRecord:
    row, identifiers, results = (record.first(name) for name in ("row", "identifiers", "auth_results"))
    # An early draft, which some still follow, calls the identifiers `identities`.
    identifiers = identifiers if identifiers.children else record.first("identities")
    evaluated = row.first("policy_evaluated")
    spf = results.first("spf")
    return ReceivedRecord(
        source_ip=_address(_wanted(row, "source_ip", place), place),
        count=_number(_wanted(row, "count", place), f"{place}: count"),
        disposition=_one_of(evaluated, "disposition", _DISPOSITIONS, place),
        dkim_aligned=_one_of(evaluated, "dkim", _VERDICTS, place) == "pass",
        spf_aligned=_one_of(evaluated, "spf", _VERDICTS, place) == "pass",
        author_domain=_word(identifiers, "header_from").lower(),
        envelope_from=_word(identifiers, "envelope_from").lower(),
        overrides=tuple(filter(None, (_word(one, "type") for one in evaluated.all("reason"))))[:MAX_OVERRIDES],
        signatures=_signatures(results),
        spf_domain=_word(spf, "domain").lower(),
        spf_result=_word(spf, "result").lower(),
    )


def _signatures(results: Element) -> tuple[SignatureResult, ...]:
    found = (
        SignatureResult(_word(one, "domain").lower(), _word(one, "selector"), _word(one, "result").lower())
        for one in results.all("dkim")
    )
    return tuple(dict.fromkeys(one for one in found if one.signing_domain))[:MAX_SIGNATURES]


def _word(parent: Element, name: str) -> str:
    return parent.first(name).text[:MAX_WORD]


def _wanted(parent: Element, name: str, place: str) -> str:
    text = _word(parent, name)
    if not text:
        raise ReportError(f"{place}: <{name}> is missing")
    return text


def _one_of(parent: Element, name: str, words: tuple[str, ...], place: str) -> str:
    """One of the schema's words; empty where the element is missing, as in the reports of some drafts."""
    text = _word(parent, name)
    if text and text not in words:
        raise ReportError(f"{place}: <{name}> is {text!r}; the schema's words are {', '.join(words)}")
    return text


def _domain(published: Element) -> str:
    domain = to_ascii_domain(_wanted(published, "domain", "policy_published"))
    if not domain:
        raise ReportError(f"policy_published: {_word(published, 'domain')!r} is no domain")
    return domain


def _moment(metadata: Element, name: str) -> datetime:
    text = metadata.first("date_range", name).text
    return datetime.fromtimestamp(_number(text, f"date_range: {name}"), UTC)


def _number(text: str, place: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > 253_402_300_799:  # the last second of the year 9999
        raise ReportError(f"{place}: {text[:MAX_WORD]!r} is no number, or too large")
    return int(text)


def _address(text: str, place: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as wrong:
        raise ReportError(f"{place}: {text!r} is no IP address") from wrong
