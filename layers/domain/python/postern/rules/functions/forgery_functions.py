"""Functions that tell whether mail that claims to come from a large service went through it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from postern.rules.functions.kind import Function
from postern.rules.inspection import Inspection
from postern.rules.relay_forms import ADDRESS

_ADDRESS = re.compile(ADDRESS)
_YAHOO = tuple(
    re.compile(text)
    for text in (
        r"by web\S+\.mail\S*\.yahoo\.com via HTTP",
        r"by sonic\S+\.consmr\.mail\S*\.yahoo\.com with HTTP",
        r"by smtp\S+\.yahoo\.com with SMTP",
        rf"from \[{ADDRESS}\] by \S+\.(?:groups|scd|dcn)\.yahoo\.com with NNFMP",
        r"by \w+\.\w+\.yahoo\.com \(\d+\.\d+\.\d+/\d+\.\d+\.\d+\)(?: with ESMTP)? id \w+",
    )
)
_HOTMAIL = tuple(
    re.compile(text)
    for text in (
        r"from (?:\S*\.)?hotmail.com \(\S+\.hotmail(?:\.msn)?\.com[ )]",
        rf"from \S*\.hotmail.com \(\[{ADDRESS}\][ ):]",
        r"from \S+ by \S+\.hotmail(?:\.msn)?\.com with HTTP;",
        r"from \[66\.218.\S+\] by \S+\.yahoo\.com",
    )
)
_OUTLOOK = tuple(
    re.compile(text)
    for text in (
        r"from \S*\.outbound\.protection\.outlook\.com \(\S+\.outbound\.protection\.outlook\.com[ )]",
        rf"from \S*\.(?:eur|nam)prd\d+\.prod\.outlook\.com \({ADDRESS}\)",
    )
)
_ENOUGH = 60


def _received(inspection: Inspection) -> str:
    return re.sub(r"\s+", " ", inspection.headers.string("Received"))


def _claims(inspection: Inspection, domain: str) -> bool:
    author = inspection.headers.string("From", "addr")
    return re.search(rf"\b{re.escape(domain)}\Z", author, re.IGNORECASE) is not None


def _has_address(inspection: Inspection, name: str) -> bool:
    return _ADDRESS.search(inspection.headers.string(name)) is not None


def gated_through_received_hdr_remover(inspection: Inspection) -> bool:
    """Whether the message passed a gateway that takes Received fields away."""
    views = inspection.headers
    if re.search(r"^contact \S+@\S+; run by ezmlm$", views.string("Mailing-List"), re.MULTILINE):
        listed = re.search(r"^mailing list \S+@\S+", views.string("Delivered-To"), re.MULTILINE)
        if listed and re.search(
            r"qmail \d+ invoked (?:from network|by .{3,20})\); \d+ ... \d+", views.string("Received")
        ):
            return True
    received = views.text("Received")
    return received is None or re.search(rb"from groups\.msn\.com \(\S+\.msn\.com ", received) is not None


def check_messageid_not_usable(inspection: Inspection) -> bool:
    """Whether the Message-ID may have been written by a list manager or gateway."""
    views = inspection.headers
    if re.search(r"<mailto:(?:leave-\S+|\S+-unsubscribe)@\S+>$", views.string("List-Unsubscribe"), re.IGNORECASE):
        return True
    received = views.string("Received")
    return gated_through_received_hdr_remover(inspection) or "/CWT/DCE)" in received or "iPlanet Messaging" in received


def check_for_forged_yahoo_received_headers(inspection: Inspection) -> bool:
    """Whether mail from yahoo.com never was there."""
    if not _claims(inspection, "yahoo.com") or gated_through_received_hdr_remover(inspection):
        return False
    views, received = inspection.headers, _received(inspection)
    if views.string("Resent-From") and views.string("Resent-To") and views.string("X-Received"):
        received = re.sub(r"\s+", " ", views.string("X-Received"))
    relays = views.relays
    if re.search(r" rdns=\S+\.yahoo\.com ", relays.trusted_text):
        return False
    if re.match(r"[^\]]+ rdns=\S+\.yahoo\.com ", relays.untrusted_text):
        return False
    bulk = "@reply.yahoo.com" in views.string("From", "addr").lower() and ".bulk.scd.yahoo.com" in received
    return not bulk and not any(form.search(received) for form in _YAHOO)


def _hotmail(inspection: Inspection) -> str:
    """`forged`, `absent`, or `""`."""
    if "hotmail" not in inspection.notes:
        inspection.notes["hotmail"] = _judge_hotmail(inspection)
    return str(inspection.notes["hotmail"])


def _judge_hotmail(inspection: Inspection) -> str:
    received = _received(inspection)
    if "from mail pickup service by hotmail.com with Microsoft SMTPSVC;" in received:
        return ""
    if gated_through_received_hdr_remover(inspection):
        return ""
    if _has_address(inspection, "X-Originating-Ip") and any(form.search(received) for form in _HOTMAIL):
        return ""
    organisation = inspection.headers.string("X-OriginatorOrg")
    if re.search(r"hotmail\.com|msonline-outlook", organisation) and any(form.search(received) for form in _OUTLOOK):
        return ""
    if re.search(r"(?:from |HELO |helo=)\S*hotmail\.com\b", received):
        return "forged"
    return "absent" if _claims(inspection, "hotmail.com") else ""


def check_for_forged_hotmail_received_headers(inspection: Inspection) -> bool:
    """Whether Received fields that name hotmail.com are not its own."""
    return _hotmail(inspection) == "forged"


def check_for_no_hotmail_received_headers(inspection: Inspection) -> bool:
    """Whether mail from hotmail.com never was there."""
    return _hotmail(inspection) == "absent"


def check_for_forged_eudoramail_received_headers(inspection: Inspection) -> bool:
    """Whether mail from eudoramail.com never was there."""
    if not _claims(inspection, "eudoramail.com") or gated_through_received_hdr_remover(inspection):
        return False
    passed = re.search(r"by \S*whowhere.com;", _received(inspection)) is not None
    return not (passed and _has_address(inspection, "X-Sender-Ip"))


def check_for_forged_juno_received_headers(inspection: Inspection) -> bool:
    """Whether mail from juno.com never was there."""
    if not _claims(inspection, "juno.com") or gated_through_received_hdr_remover(inspection):
        return False
    views = inspection.headers
    received, mailer = views.string("Received"), views.string("X-Mailer")
    if views.string("X-Originating-IP"):
        own = re.search(rf"from.*\b(?:juno|untd)\.com.*[\[(]{ADDRESS}[\])].*by", received)
        return not (own or re.search(r" cookie\.(?:juno|untd)\.com ", received)) or "Juno " not in mailer
    return True


def check_for_forged_gmail_received_headers(inspection: Inspection) -> bool:
    """Whether mail from gmail.com never was there."""
    if not _claims(inspection, "gmail.com"):
        return False
    views = inspection.headers
    earlier = views.string("X-Received")
    if re.search(r"by (?:10\.\S+|2002:a\d\d:\w+:\S+) with SMTP id \S+", earlier):
        return False
    if re.search(r"by smtp\.googlemail\.com with ESMTPSA id \S+", views.string("Received")):
        return False
    state, source = views.string("X-Gm-Message-State"), views.string("X-Google-Smtp-Source")
    return len(state) < _ENOUGH or len(source) < _ENOUGH


def check_for_fake_aol_relay_in_rcvd(inspection: Inspection) -> bool:
    """Whether a Received field names a relay as aol.com names its own, and it is not."""
    received = _received(inspection)
    if not re.search(r" rly-[a-z][a-z]\d\d\.", received, re.IGNORECASE):
        return False
    return not re.search(r"/AOL-\d+\.\d+\.\d+\)|ESMTP id (?:RELAY|MAILRELAY|MAILIN)", received)


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        gated_through_received_hdr_remover, check_messageid_not_usable, check_for_forged_yahoo_received_headers,
        check_for_forged_hotmail_received_headers, check_for_no_hotmail_received_headers,
        check_for_forged_eudoramail_received_headers, check_for_forged_juno_received_headers,
        check_for_forged_gmail_received_headers, check_for_fake_aol_relay_in_rcvd,
    )
}  # fmt: skip
