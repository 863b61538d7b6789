"""Functions over the relays (SpamAssassin's RelayEval and what VBounce asks)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from postern.rules.functions.kind import Function
from postern.rules.inspection import Inspection
from postern.rules.relay_forms import IPV4
from postern.rules.relays import is_private

_NUMERIC = re.compile(rf"{IPV4}\Z")
_NUMERIC_HELO = re.compile(rf"\bhelo=({IPV4})(?=[\x00-\x20,;\[()<>]|\Z)", re.IGNORECASE)
_HOST = re.compile(r"\w+(?:[\w.-]+\.)+\w+\Z")
_LARGE = re.compile(
    r"(?:\.|\A)(?:lycos\.com|lycos\.co\.uk|hotmail\.com|localhost\.com|excite\.com|caramail\.com|cs\.com|aol\.com"
    r"|msn\.com|yahoo\.com|drizzle\.com)\Z",
    re.IGNORECASE,
)


def check_all_trusted(inspection: Inspection) -> bool:
    """Whether the message came through trusted relays only."""
    relays = inspection.headers.relays
    return bool(relays.trusted) and not relays.untrusted and not relays.unparseable


def check_no_relays(inspection: Inspection) -> bool:
    """Whether it came through no relay."""
    relays = inspection.headers.relays
    return not relays.trusted and not relays.untrusted and not relays.unparseable


def check_relays_unparseable(inspection: Inspection) -> bool:
    """Whether a Received field is of no known form."""
    return inspection.headers.relays.unparseable > 0


def check_for_numeric_helo(inspection: Inspection) -> bool:
    """Whether a relay gave a public address as its name."""
    found = _NUMERIC_HELO.search(inspection.headers.relays.untrusted_text)
    return found is not None and not is_private(found[1])


def helo_ip_mismatch(inspection: Inspection) -> bool:
    """Whether a relay gave the address of another network as its name."""
    return any(
        _NUMERIC.match(relay.helo)
        and not is_private(relay.helo)
        and _NUMERIC.match(relay.ip)
        and not relay.is_private
        and not relay.ip.startswith(relay.helo.rpartition(".")[0] + ".")
        for relay in inspection.headers.relays.untrusted
    )


def check_for_sender_no_reverse(inspection: Inspection) -> bool:
    """Whether the oldest relay is public and has a name."""
    relays = inspection.headers.relays.untrusted
    return bool(relays) and "." in relays[-1].rdns and not relays[-1].is_private


def check_for_no_rdns_dotcom_helo(inspection: Inspection) -> bool:
    """Whether the oldest public relay claims to be a large service and has no name of its own."""
    relays = [relay for relay in inspection.headers.relays.untrusted if not relay.is_private]
    return bool(relays) and bool(_LARGE.search(relays[-1].helo)) and relays[-1].looked_up and not relays[-1].rdns


def check_for_from_domain_in_received_headers(inspection: Inspection, domain: str, wanted: str) -> bool:
    """Whether mail that claims to be from `domain` went through that domain (`'false'`: whether not)."""
    if not re.search(rf"\b{re.escape(domain)}", inspection.headers.string("From", "addr"), re.IGNORECASE):
        return False
    relays = inspection.headers.relays
    name = re.escape(domain)
    text = f"{relays.trusted_text}\n{relays.untrusted_text}"
    passed = re.search(rf" rdns=\S*\b{name} [^\]]*by=\S*\b{name} ", text) is not None
    return passed == (wanted == "true")


def check_for_forged_received_trail(inspection: Inspection) -> bool:
    """Whether hosts more than once were given the message by other names than they say next."""
    return _mismatches(inspection)[0] > 1


def check_for_forged_received_ip_helo(inspection: Inspection) -> bool:
    """Whether a relay gave an address of quite another network as its name."""
    return _mismatches(inspection)[1] > 0


def _mismatches(inspection: Inspection) -> tuple[int, int]:
    names = numbers = 0
    previous: str | None = None
    relays = inspection.headers.relays.untrusted
    if relays:
        last = _site(relays[-1].rdns.lower())
        previous = None if _is_itself(last, relays[-1].ip) else last
    for index, relay in enumerate(relays):
        by, rdns, helo = _site(relay.by.lower()), _site(relay.rdns.lower()), _site(relay.helo.lower())
        if _HOST.match(by):
            if _NUMERIC.match(helo) and _NUMERIC.match(relay.ip) and not is_private(helo):
                numbers += helo.split(".")[:2] != relay.ip.split(".")[:2]
            known = (by, previous) == ("msn.com", "hotmail.com")
            names += bool(index and previous and _HOST.match(previous) and by != previous and not known)
            previous = None if _is_itself(rdns, relay.ip) else rdns
        else:
            previous = rdns
    return names, numbers


def _is_itself(rdns: str, address: str) -> bool:
    return address == "127.0.0.1" and rdns in ("localhost", "localhost.localdomain")


def _site(host: str) -> str:
    """The last two labels, or three below short country codes."""
    if not re.search(r"[a-zA-Z]", host):
        return host
    parts = host.split(".")
    if len(parts) > 1 and re.search(r"\S{3,}|ie|fr|de", parts[-1]):
        return ".".join(parts[-2:])
    return ".".join(parts[-3:])


def have_any_bounce_relays(inspection: Inspection) -> bool:
    """Whether the operator named relays whose bounces are welcome."""
    return bool(inspection.settings.all("welcomelist_bounce_relays", "whitelist_bounce_relays"))


def check_welcomelist_bounce_relays(inspection: Inspection) -> bool:
    """Whether a bounce quotes a Received field with one of those relays."""
    wanted = inspection.settings.all("welcomelist_bounce_relays", "whitelist_bounce_relays")
    if not wanted:
        return False
    body = bytes(inspection.message.body_bytes[:262_144]).decode("utf-8", "replace")
    quoted = re.findall(r"^[> ]*Received:[^\n]*(?:\n[ \t][^\n]*)*", body, re.IGNORECASE | re.MULTILINE)
    return any(name.lower() in wanted for line in quoted for name in re.findall(r"\s(\S+\.\S+)(?=\s)", line))


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        check_all_trusted, check_no_relays, check_relays_unparseable, check_for_numeric_helo, helo_ip_mismatch,
        check_for_sender_no_reverse, check_for_no_rdns_dotcom_helo, check_for_from_domain_in_received_headers,
        check_for_forged_received_trail, check_for_forged_received_ip_helo, have_any_bounce_relays,
        check_welcomelist_bounce_relays,
    )
} | {"check_whitelist_bounce_relays": check_welcomelist_bounce_relays}  # fmt: skip
