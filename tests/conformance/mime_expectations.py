"""What the reference parser's JSON says of a message and of a field, and what ours says, in the same terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from typing import Any

from postern.message import HeaderField, Message, Part, parse_message
from postern.mime.addresses import AddressGroup, parse_address_groups, parse_address_list
from postern.mime.bodies import sort_bodies
from postern.mime.dates import parse_date
from postern.mime.identifiers import parse_identifiers
from postern.mime.parameters import StructuredValue, parse_structured
from postern.mime.trace import parse_trace

Facts = dict[str, Any]

LISTS = ("text_body", "html_body", "attachments")
_TRACE_WORDS = {"via": "via", "with": "with", "id": "id", "for": "for_"}
_MOMENT = ("year", "month", "day", "hour", "minute", "second")
FACTS = ("subject", "from", "to", *LISTS)


def expected_facts(document: Facts) -> Facts:
    """The facts of one JSON document; parts that the reference calls damaged are left out of the lists.

    The reference counts a damaged part (no end boundary, bad base64) as an attachment whatever its type, ours does not.
    """
    fields = {one["name"]: one["value"] for one in document["parts"][0]["headers"] if isinstance(one["name"], str)}
    facts: Facts = {name: _expected_mailboxes(fields.get(name)) for name in ("from", "to")}
    subject = fields.get("subject")
    facts["subject"] = subject["Text"] if isinstance(subject, dict) else ""
    parts = document["parts"]
    for name in LISTS:
        facts[name] = [_expected_content(parts[index]) for index in document[name] if not _is_damaged(parts[index])]
    facts["damaged"] = [_expected_content(part) for part in parts if _is_damaged(part)]
    return facts


def found_facts(message: Message, damaged: list[Any]) -> Facts:
    """Our facts, without the contents in `damaged`, each left out of each list once."""
    facts: Facts = {"subject": message.value("subject")}
    for name in ("from", "to"):
        fields = message.fields(name)
        mailboxes = parse_address_list(fields[-1].unfolded) if fields else ()
        facts[name] = [(one.display_name, one.address) for one in mailboxes]
    bodies = sort_bodies(message.root)
    for name, parts in zip(LISTS, (bodies.text, bodies.html, bodies.attachments), strict=True):
        facts[name] = _without([_found_content(part) for part in parts], damaged)
    return facts


def agree(expected: Any, found: Any) -> bool:
    """Equal, where U+FFFD of the reference stands for anything: what it cannot decode, ours may have repaired."""
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return len(expected) == len(found) and all(map(agree, expected, found))
    if isinstance(expected, str) and isinstance(found, str) and "\ufffd" in expected:
        pattern = ".{0,2}".join(map(re.escape, re.split("\ufffd+", expected)))
        return re.fullmatch(pattern, found, re.DOTALL) is not None
    return bool(expected == found)


def field_of(value: str) -> HeaderField:
    """A header case as the field of a message; what follows the first line that is not folded is not its value."""
    found = parse_message(b"X-Case: " + value.encode()).first("x-case")
    assert found is not None
    return found


def expected_moment(date: Facts | None) -> datetime | None:
    """The reference's date, None when it is no possible date."""
    if date is None or date["second"] > 60 or date["month"] > 12:
        return None
    offset = timedelta(hours=date["tz_hour"], minutes=date["tz_minute"])
    zone = timezone(-offset if date["tz_before_gmt"] else offset)
    year, month, day, hour, minute, second = (int(date[name]) for name in _MOMENT)
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)


def expected_groups(value: Facts) -> list[tuple[str | None, list[tuple[str, str]]]]:
    """An address list with its groups."""
    if "List" in value:
        return [(None, [_mailbox(one) for one in value["List"]])]
    return [(group["name"], [_mailbox(one) for one in group["addresses"]]) for group in value["Group"]]


def found_groups(text: str) -> list[tuple[str | None, list[tuple[str, str]]]]:
    """Ours, in the same shape."""
    return [(group.name, _members(group)) for group in parse_address_groups(text)]


def expected_structured(value: Facts | None) -> tuple[str, Facts, Facts] | None:
    """The word, the parameters and the languages of a Content-Type."""
    if value is None:
        return None
    word = value["c_type"] + ("/" + value["c_subtype"] if value["c_subtype"] else "")
    attributes = value.get("attributes") or []
    pairs = [(one["name"], one["value"]) if isinstance(one, dict) else one for one in attributes]
    parameters = {name: one for name, one in pairs if not name.endswith("-language")}
    languages = {name.removesuffix("-language"): one for name, one in pairs if name.endswith("-language")}
    return word.lower(), parameters, languages


def found_structured(value: StructuredValue) -> tuple[str, Facts, Facts] | None:
    """Ours; a word without a type before the slash is none to the reference."""
    if not value.word or value.word.startswith("/"):
        return None
    languages = {name: one.language for name, one in value.parameters.items() if one.language}
    return value.word.rstrip("/"), {name: one.value for name, one in value.parameters.items()}, languages


def _without(contents: list[Any], damaged: list[Any]) -> list[Any]:
    for one in damaged:
        if one in contents:
            contents.remove(one)
    return contents


def _members(group: AddressGroup) -> list[tuple[str, str]]:
    return [(one.display_name, one.address) for one in group.mailboxes]


def _mailbox(one: Facts) -> tuple[str, str]:
    return one["name"] or "", one["address"] or ""


def _expected_mailboxes(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return []
    return [mailbox for _, members in expected_groups(value["Address"]) for mailbox in members]


def _is_damaged(part: Facts) -> bool:
    return bool(part["is_encoding_problem"])


def _expected_content(part: Facts) -> Any:
    (kind, content), *_ = part["body"].items()
    if kind in ("Binary", "InlineBinary"):
        return bytes(content)
    if kind == "Message":
        return ("message", expected_facts(content)["subject"] if content else "")
    return content


def _found_content(part: Part) -> Any:
    if part.is_message and part.children:
        subject = part.children[0].first("subject")
        return ("message", subject.value if subject else "")
    return part.text() if part.is_text else part.content()


def expected_fields(document: Facts) -> Iterator[Facts]:
    """Every header field of every part, nested messages included, that has a value."""
    for part in document["parts"]:
        yield from (one for one in part["headers"] if isinstance(one["value"], dict))
        nested = part["body"].get("Message")
        if nested:
            yield from expected_fields(nested)


def field_pair(expected: Facts, found: HeaderField) -> tuple[Any, Any]:
    """The value of one field as the reference reads it and as ours does; blanks in free text count as one."""
    ((kind, value),) = expected["value"].items()
    if kind == "Address":
        return expected_groups(value), found_groups(found.unfolded)
    if kind == "ContentType":
        return expected_structured(value), found_structured(parse_structured(found.raw_value.decode(errors="replace")))
    if kind == "DateTime":
        return expected_moment(value), parse_date(found.unfolded)
    if kind == "TextList":
        return value, list(parse_identifiers(found.unfolded))
    if kind == "Received":
        return expected_trace(value), found_trace(found.unfolded)
    if expected["name"] in ("message_id", "content_id", "in_reply_to", "return_path"):
        return value, next(iter(parse_identifiers(found.unfolded)), "")
    return " ".join(value.split()), " ".join(found.value.split())


def expected_trace(value: Facts) -> Facts:
    """A Received field, as far as `Trace` tells it; the reference sometimes keeps the line end after a word."""
    words = {ours: (value.get(theirs) or "").strip() for ours, theirs in _TRACE_WORDS.items()}
    words["with"] = words["with"].upper()
    hosts = {name: _host(value.get(name)) for name in ("from", "by", "helo")}
    return {**words, **hosts, "address": _address(value.get("from_ip") or "")}


def found_trace(text: str) -> Facts:
    """Ours, in the same shape."""
    trace = parse_trace(text)
    return {
        "from": trace.from_name,
        "address": _address(trace.client_address),
        "helo": trace.helo,
        "by": trace.by,
        "via": trace.via,
        "with": trace.protocol,
        "id": trace.identifier,
        "for": trace.for_address,
    }


def _host(value: Facts | None) -> str:
    return "" if value is None else str(next(iter(value.values()))).strip()


def _address(text: str) -> str:
    return ip_address(text).exploded if text else ""
