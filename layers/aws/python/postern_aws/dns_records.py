"""Names and records between the domain's text and DNS wire form: any octet survives, nothing is escaped."""

from __future__ import annotations

from ipaddress import ip_address

import dns.exception
import dns.name
import dns.rdata
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.NS
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA

from postern.dns import canonical_name, is_askable
from postern.mime.domain_labels import to_ascii_domain

ROOT = "."


def to_wire_name(text: str) -> dns.name.Name | None:
    """The name of these labels, joined by dots; `None` when there is no such name (RFC 1035 §2.3.4)."""
    text = canonical_name(text if text.isascii() else to_ascii_domain(text))
    if not is_askable(text):
        return None
    try:
        return dns.name.Name([*(label.encode("ascii") for label in text.split(".")), b""])
    except dns.exception.DNSException:
        return None


def name_text(name: dns.name.Name) -> str:
    """A name in lower case without its final dot, one character per octet; the root is `"."`."""
    labels = [label.decode("latin-1") for label in name.labels if label]
    return ".".join(labels).lower() or ROOT


def record_text(rdata: dns.rdata.Rdata) -> str:
    """A record in the canonical form of `postern.dns`."""
    match rdata:
        case dns.rdtypes.IN.A.A() | dns.rdtypes.IN.AAAA.AAAA():
            return str(ip_address(rdata.address))
        case dns.rdtypes.ANY.MX.MX():
            return f"{rdata.preference} {name_text(rdata.exchange)}"
        case dns.rdtypes.ANY.TXT.TXT():
            return b"".join(rdata.strings).decode("latin-1")
        case dns.rdtypes.ANY.PTR.PTR() | dns.rdtypes.ANY.CNAME.CNAME() | dns.rdtypes.ANY.NS.NS():
            return name_text(rdata.target)
    return rdata.to_text()
