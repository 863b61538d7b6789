"""Functions over addresses: free mail services, lists of addresses, reverse-path and client (FreeMail, WLBLEval)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from postern.rules.functions.kind import Function, matches, number, pattern
from postern.rules.inspection import Inspection

MAX_BODY_ADDRESSES = 40
MAX_LINK_ADDRESSES = 20
_NOT_PEOPLE = re.compile(
    r"(?:abuse|support|sales|info|helpdesk|contact|kontakt|(?:post|host|domain)master|undisclosed.*|request-[a-f0-9]{16}"
    r"|bounced?-|[a-f0-9]{8}(?:\.[a-f0-9]{8}|-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})|.+=.+=.+)@",
    re.IGNORECASE,
)
_BULK = re.compile(
    r"(?:^(?:post|host|domain)master|^double-bounce|^(?:sentto|owner|return|(?:gr)?bounced?)-.+"
    r"|-(?:request|bounces?|admin|owner)|\b(?:do[._t-]?)?no[._t-]?repl(?:y|ies)|.+=.+)@",
    re.IGNORECASE,
)
_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]"
_ADDRESS = re.compile(
    rf"(?=.{{0,64}}@)(?<!{_LOCAL})({_LOCAL}+(?:\.{_LOCAL}+)*@(?:[a-z0-9](?:[a-z0-9-]{{0,59}}[a-z0-9])?\.){{1,4}}"
    r"[a-z][a-z0-9-]{1,30})",
    re.IGNORECASE,
)
_URI_WITH_ADDRESS = re.compile(r"<?https?://\S{0,255}(?:@|%40)\S{0,255}", re.IGNORECASE)
_QUOTED_SENDER = re.compile(
    rf"<?(?<!mailto:){_ADDRESS.pattern}(?:>|\s{{1,10}}(?!(?:fa(?:x|csi)|tel|phone|e?-?mail))[a-z]{{2,11}}:)",
    re.IGNORECASE,
)


def is_free(inspection: Inspection, address: str) -> bool:
    """Whether an address is at a service that anybody gets addresses from."""
    if "free_domains" not in inspection.settings.patterns:
        words = inspection.settings.all("freemail_domains")
        inspection.settings.patterns["free_domains"] = frozenset(
            one for one in words if "*" not in one and "?" not in one
        )
        wild = [re.escape(one).replace(r"\?", ".").replace(r"\*", "[^.]*") for one in words if "*" in one or "?" in one]
        inspection.settings.patterns["free_wild"] = re.compile(rf"@(?:{'|'.join(wild)})\Z") if wild else None
        inspection.settings.patterns["not_free"] = inspection.settings.all("freemail_welcomelist", "freemail_whitelist")
    known, wildcards = inspection.settings.patterns["free_domains"], inspection.settings.patterns["free_wild"]
    domain = address.rpartition("@")[2]
    if not address or not {address, domain}.isdisjoint(inspection.settings.patterns["not_free"]):
        return False
    if _NOT_PEOPLE.match(address):
        return False
    return domain in known or bool(wildcards and wildcards.search(address))


def _first_free(inspection: Inspection, addresses: Iterable[str], text: str | None) -> bool:
    compiled = pattern(inspection, text) if text is not None else None
    return any(
        is_free(inspection, one) and (text is None or matches(compiled, one)) for one in map(str.lower, addresses)
    )


def check_freemail_from(inspection: Inspection, text: str | None = None) -> bool:
    """Whether the author or the reverse-path is at a free mail service (and matches)."""
    return _first_free(inspection, inspection.authors, text)


def check_freemail_header(inspection: Inspection, name: str, text: str | None = None) -> bool:
    """Whether an address in the field is at a free mail service (and matches)."""
    return _first_free(inspection, inspection.headers.strings(name.partition(":")[0], "addr"), text)


def check_freemail_body(inspection: Inspection, text: str | None = None) -> bool:
    """Whether an address in the text is at a free mail service (and matches)."""
    return _first_free(inspection, _body_addresses(inspection), text)


def check_freemail_replyto(inspection: Inspection, what: str = "replyto") -> bool:
    """Whether answers go to another free mail address than the author's, or the text names another."""
    views = inspection.headers
    envelope = views.string("EnvelopeFrom")
    if envelope and _BULK.search(envelope):
        return False
    authors = [one.lower() for one in views.strings("From", "addr")]
    replies = [one.lower() for one in views.strings("Reply-To", "addr")]
    author_free = any(is_free(inspection, one) for one in authors)
    reply_free = any(is_free(inspection, one) for one in replies)
    if author_free and reply_free and not set(authors) & set(replies):
        return True
    if what == "replyto" and not reply_free:
        return False
    if what == "reply" and ((replies and not reply_free) or (not replies and not author_free) or not author_free):
        return False
    answers = replies if what == "replyto" or reply_free else authors
    return any(one != answer for one in _body_addresses(inspection) for answer in answers)


def _body_addresses(inspection: Inspection) -> frozenset[str]:
    """The free mail addresses in the text; none when there are many addresses, as in lists of contacts."""
    if "body_addresses" not in inspection.notes:
        inspection.notes["body_addresses"] = _find_addresses(inspection)
    found: frozenset[str] = inspection.notes["body_addresses"]
    return found


def _find_addresses(inspection: Inspection) -> frozenset[str]:
    words = inspection.settings.words
    most = number(words.get("freemail_max_body_emails", ("5",))[-1], 5)
    most_free = number(words.get("freemail_max_body_freemails", ("3",))[-1], 3)
    found = list(dict.fromkeys([*_linked_addresses(inspection), *_written_addresses(inspection)]))[:MAX_BODY_ADDRESSES]
    free = [one for one in found if is_free(inspection, one)]
    return frozenset() if len(found) >= most or len(free) >= most_free else frozenset(free)


def _linked_addresses(inspection: Inspection) -> list[str]:
    details = inspection.uris.details.items()
    links = [uri for uri, info in details if "a" in info.types and "parsed" not in info.types]
    found = [_ADDRESS.match(uri, 7) for uri in links if uri[:7].lower() == "mailto:"]
    return [one[1].lower() for one in found if one][:MAX_LINK_ADDRESSES]


def _written_addresses(inspection: Inspection) -> Iterable[str]:
    for line in inspection.bodies.lines:
        if b"@" in line:
            text = _URI_WITH_ADDRESS.sub(" ", line.decode("utf-8", "replace"))
            text = _QUOTED_SENDER.sub(" ", text)
            for address in _ADDRESS.finditer(text):
                if inspection.settings.domains.is_known(address[1].rpartition("@")[2]):
                    yield address[1].lower()


def _listed(entries: Iterable[str], addresses: Iterable[str]) -> bool:
    return any(fnmatchcase(address.lower(), entry) for address in addresses for entry in entries)


def check_from_in_list(inspection: Inspection, name: str) -> bool:
    """Whether the author is in a list of `enlist_addrlist`."""
    return _listed(inspection.settings.lists.get(name, ()), inspection.authors)


def check_replyto_in_list(inspection: Inspection, name: str) -> bool:
    """Whether Reply-To is in a list of `enlist_addrlist`."""
    return _listed(inspection.settings.lists.get(name, ()), inspection.headers.strings("Reply-To", "addr")[:1])


def check_from_in_blocklist(inspection: Inspection) -> bool:
    """Whether the author is in `blocklist_from`."""
    return _listed(inspection.settings.all("blocklist_from", "blacklist_from"), inspection.authors)


def check_from_in_welcomelist(inspection: Inspection) -> bool:
    """Whether the author is in `welcomelist_from`."""
    return _listed(inspection.settings.all("welcomelist_from", "whitelist_from"), inspection.authors)


def check_to_in_welcomelist(inspection: Inspection) -> bool:
    """Whether a recipient is in `welcomelist_to`."""
    recipients = inspection.headers.strings("ToCc", "addr")
    return _listed(inspection.settings.all("welcomelist_to", "whitelist_to"), recipients)


def check_mailfrom_matches_rcvd(inspection: Inspection) -> bool:
    """Whether the reverse-path's domain is that of the client's name."""
    sender = inspection.headers.string("EnvelopeFrom", "addr")
    domain = sender.rpartition("@")[2].lower()
    if "@" not in sender or "." not in domain:
        return False
    relays = inspection.headers.relays
    trim = inspection.settings.domains.trim
    return any(relay.rdns and trim(relay.rdns) == trim(domain) for relay in relays.untrusted[:1] or relays.trusted)


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        check_freemail_from, check_freemail_header, check_freemail_body, check_freemail_replyto, check_from_in_list,
        check_replyto_in_list, check_from_in_blocklist, check_from_in_welcomelist, check_to_in_welcomelist,
        check_mailfrom_matches_rcvd,
    )
} | {
    "check_from_in_blacklist": check_from_in_blocklist,
    "check_from_in_whitelist": check_from_in_welcomelist,
    "check_to_in_whitelist": check_to_in_welcomelist,
}  # fmt: skip
