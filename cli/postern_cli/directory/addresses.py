"""Addresses and domains as the tables know them, and whether they are of this service.

PolicyError    what was typed is no address or domain of ours; the text says what to do
"""

from __future__ import annotations

from postern.mime.domain_labels import to_ascii_domain
from postern.policy import PolicyError
from postern.recipients import DOT_STRING, canonical_address
from postern_cli.service import Output, Service


def domain_key(text: str) -> str:
    """The domain in lower case and A-labels. Raises `PolicyError`."""
    name = to_ascii_domain(text)
    if not name or "." not in name:
        raise PolicyError(f"{text!r} is no domain such as example.com")
    return name


def address_key(text: str) -> str:
    """The address in its one spelling. Raises `PolicyError`."""
    local_part, at, domain = text.strip().rpartition("@")
    if not at or not DOT_STRING.fullmatch(local_part):
        raise PolicyError(f"{text!r} is no address such as ann@example.com")
    if "+" in local_part:
        raise PolicyError(f"{text!r}: what follows a + is a tag of the same mailbox; leave it out")
    return canonical_address(local_part, domain_key(domain))


def require_domain(service: Service, address: str) -> None:
    """Raise `PolicyError` unless the domain of the address receives here; may raise `Unavailable`."""
    domain = address.rpartition("@")[2]
    if not service.rows(Output.DOMAINS_TABLE).get({"domain": domain}):
        raise PolicyError(f"{address}: {domain} does not receive here yet; first: postern domains add {domain}")
