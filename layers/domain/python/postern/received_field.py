"""The Received field we add: who handed the message over, how, and when (RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3)."""

from __future__ import annotations

import re
from email.utils import format_datetime

from postern.model import HeaderField, Session, Transaction

_NAME = re.compile(r"[0-9A-Za-z_](?:[0-9A-Za-z._-]{0,253}[0-9A-Za-z])?|\[[0-9A-Za-z:.]{2,60}\]")
_CIPHER = re.compile(r"[0-9A-Za-z_-]{1,60}")
_PATH = re.compile(r"[!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]+@[0-9A-Za-z.\[\]:-]+")


def received_field(transaction: Transaction) -> HeaderField:
    """The trace of this hop. A sole recipient is named, several are not: they must not learn of each other."""
    clauses = [
        *_from_clause(transaction.session),
        f"by {transaction.site.hostname}",
        *_with_clause(transaction),
        f"id {transaction.transaction_id}",
        *_for_clause(transaction),
        *_tls_clause(transaction.session),
    ]
    return HeaderField("Received", f"{' '.join(clauses)}; {format_datetime(transaction.received_at)}")


def _from_clause(session: Session | None) -> list[str]:
    """Who handed it over. Not for people of ours: where they sit concerns none of their readers, the receipt knows."""
    if session is None or session.authenticated_as:
        return []
    name = session.helo_identity if _NAME.fullmatch(session.helo_identity) else "unknown"
    address = session.client_ip
    if address is None:
        return [f"from {name}"]
    return [f"from {name} ([{f'IPv6:{address}' if ':' in address else address}])"]


def _with_clause(transaction: Transaction) -> list[str]:
    session, envelope = transaction.session, transaction.envelope
    if session is None:
        return []
    protocol = "ESMTP" if session.extended else "SMTP"
    if envelope and envelope.smtputf8:
        protocol = "UTF8SMTP"
    if session.extended:
        protocol += ("S" if session.tls else "") + ("A" if session.authenticated_as else "")
    return [f"with {protocol}"]


def _for_clause(transaction: Transaction) -> list[str]:
    paths = {recipient.forward_path for recipient in transaction.recipients}
    path = paths.pop() if len(paths) == 1 else ""
    return [f"for <{path}>"] if _PATH.fullmatch(path) else []


def _tls_clause(session: Session | None) -> list[str]:
    """The cipher suite (RFC 8314 §4.3), with the protocol's version for people."""
    tls = session.tls if session else None
    if tls is None or not _CIPHER.fullmatch(tls.cipher):
        return []
    version = f" ({tls.version})" if re.fullmatch(r"[0-9A-Za-z. ]{1,20}", tls.version) else ""
    return [f"tls {tls.cipher}{version}"]
