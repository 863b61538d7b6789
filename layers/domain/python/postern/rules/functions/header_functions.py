"""Functions over header fields (SpamAssassin's HeaderEval, without dates and forgeries of large services)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from postern.rules.functions.kind import Function, number
from postern.rules.functions.mime_functions import CAPITAL_CHARSETS
from postern.rules.inspection import Inspection

MAX_RECIPIENTS = 256
SORTED_FROM = 7
SIMILAR_FROM = 5
SIMILAR_LETTERS = 2
_REPLY_PREFIX = re.compile(r"(?:(?:Re|Fwd|Fw|Aw|Antwort|WG|SV|VB|VS|VL):\s*)+", re.IGNORECASE)
_ENCODED_CHARSET = re.compile(r"=\?([^?]{1,75})\?")
_TEMPLATE = re.compile(r"%[A-Z][A-Z_-]")
_TEMPLATE_FINE = re.compile(
    r"(?:X-VMS-To|X-UIDL|X-Face|To|Cc|From|Subject|References|In-Reply-To|(?:X-|Resent-|X-Original-)?Message-Id):",
    re.IGNORECASE,
)
_ILLEGAL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def subject_is_all_caps(inspection: Inspection) -> bool:
    """Whether the subject, of several words, has no small letter."""
    subject = _REPLY_PREFIX.sub("", inspection.headers.string("Subject").strip(), count=1)
    if len(subject.encode()) < 10 or not re.search(r"\s", subject):
        return False
    raw = inspection.headers.string("Subject", "raw")
    if any(CAPITAL_CHARSETS.match(found[1]) for found in _ENCODED_CHARSET.finditer(raw)):
        return False
    letters = re.sub(r"[^a-zA-Z]", "", subject)
    return bool(letters) and letters == letters.upper()


def check_illegal_chars(inspection: Inspection, name: str, ratio: str, count: str) -> bool:
    """Whether so many octets of a field are not ASCII, and it is not UTF-8 either."""
    field, *views = name.split(":")
    text = inspection.headers.text(field, tuple(dict.fromkeys([*views, "raw"]))) or b""
    if not text.strip():
        return False
    if not text.isascii() and _is_utf_8(text) and not _CONTROLS.search(text):
        return False
    illegal = len(_ILLEGAL.findall(text))
    if illegal and field.lower() == "subject":
        illegal -= sum(text.count(sign) for sign in (b"\xa2", b"\xa3", b"\xae")) == 1
    return illegal / len(text) >= number(ratio) and illegal >= number(count)


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def check_for_missing_to_header(inspection: Inspection) -> bool:
    """Whether there is neither To nor Apparently-To."""
    return not inspection.headers.string("To") and not inspection.headers.string("Apparently-To")


def check_for_to_in_subject(inspection: Inspection, what: str) -> bool:
    """Whether the subject has the recipient's address, or begins with its local part."""
    address, subject = inspection.headers.string("To", "addr"), inspection.headers.string("Subject")
    if not address:
        return False
    if what == "address":
        return re.search(rf"\b{re.escape(address)}\b", subject, re.IGNORECASE) is not None
    user = re.escape(address.partition("@")[0])
    return bool(
        re.match(rf"(?:(?:re|fw):\s*(?:\w+\s+)?{user}$|{user}$|,\s*{user}[,:;!?-]$)", subject, re.IGNORECASE)
        or re.match(rf"{user}\s*[,:;!?-](?:$|\s)", subject)
    )


def check_header_count_range(inspection: Inspection, name: str, least: str, most: str) -> bool:
    """Whether a field occurs so often, with different values."""
    return number(least) <= len(set(inspection.headers.get(name))) <= number(most)


def check_unresolved_template(inspection: Inspection) -> bool:
    """Whether a field holds a place-holder like `%RND_DIGIT`."""
    lines = inspection.headers.string("ALL").split("\n")
    return any(_TEMPLATE.search(line) and not _TEMPLATE_FINE.match(line) for line in lines if "%" in line)


def check_ratware_name_id(inspection: Inspection) -> bool:
    """Whether the Message-ID repeats the author's address after 28 capitals."""
    found = re.search(r"<[A-Z]{28}\.([^>]+?)>", inspection.headers.string("MESSAGEID"))
    author = inspection.headers.string("From")
    return bool(found) and re.search(rf"\"[^\"]+\"\s*<{re.escape(found[1])}>", author) is not None if found else False


def check_ratware_envelope_from(inspection: Inspection) -> bool:
    """Whether the reverse-path is made of the recipient's address turned round."""
    to, sender = inspection.headers.string("To", "addr"), inspection.headers.string("EnvelopeFrom", "addr")
    user, _, host = to.partition("@")
    if not sender or not host or re.match(r"SRS\d[=+-]", sender, re.IGNORECASE):
        return False
    domain = inspection.settings.domains.trim(host)
    if not inspection.settings.domains.is_known(domain):
        return False
    return re.search(rf"\b{re.escape(domain)}.{re.escape(user)}@", sender, re.IGNORECASE) is not None


def check_for_matching_env_and_hdr_from(inspection: Inspection) -> bool:
    """Whether the reverse-path is the author."""
    views = inspection.headers
    return views.string("EnvelopeFrom", "addr").lower() == views.string("From", "addr").lower()


def check_equal_from_domains(inspection: Inspection) -> bool:
    """Whether reverse-path and author are in different domains (the last two labels count)."""
    views = inspection.headers
    domains = [
        ".".join(address.rpartition("@")[2].lower().split(".")[-2:]) if "@" in address else ""
        for address in (views.string("From", "addr"), views.string("EnvelopeFrom", "addr"))
    ]
    return all(domains) and domains[0] != domains[1]


def sorted_recipients(inspection: Inspection) -> bool:
    """Whether many recipients stand in alphabetical order."""
    addresses = _recipients(inspection)
    return len(addresses) >= SORTED_FROM and addresses == sorted(addresses)


def similar_recipients(inspection: Inspection, least: str, most: str) -> bool:
    """Whether so many pairs of recipients begin alike."""
    if "similar" not in inspection.notes:
        inspection.notes["similar"] = _similarity(_recipients(inspection))
    value: float = inspection.notes["similar"]
    return (least == "undef" or value >= number(least)) and (most == "undef" or value < number(most))


def _recipients(inspection: Inspection) -> list[str]:
    found = list(inspection.headers.strings("ToCc", "addr"))
    if len(found) < SIMILAR_FROM:
        found += inspection.headers.strings("Bcc", "addr")
    kept: list[str] = []
    for address in found[:MAX_RECIPIENTS]:
        if not kept or kept[-1].lower() != address.lower():
            kept.append(address)
    return kept


def _similarity(addresses: list[str]) -> float:
    if len(addresses) < SIMILAR_FROM:
        return 0.0
    split = [(one[:SIMILAR_LETTERS], one.rpartition("@")[2]) for one in addresses]
    hits = pairs = 0
    for index, (user, host) in enumerate(split):
        for other, other_host in split[index + 1 :]:
            hits += user == other
            hits += host[:SIMILAR_LETTERS] == other_host[:SIMILAR_LETTERS] and host != other_host
            pairs += 1
    return hits / pairs


def check_for_faraway_charset_in_headers(inspection: Inspection) -> bool:
    """Never: all charsets are welcome."""
    return False


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        subject_is_all_caps, check_illegal_chars, check_for_missing_to_header, check_for_to_in_subject,
        check_header_count_range, check_unresolved_template, check_ratware_name_id, check_ratware_envelope_from,
        check_for_matching_env_and_hdr_from, check_equal_from_domains, sorted_recipients, similar_recipients,
        check_for_faraway_charset_in_headers,
    )
}  # fmt: skip
