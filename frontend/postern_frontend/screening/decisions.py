"""What screening learns of the filter's decisions: which networks send mail that is proven and wanted."""

from __future__ import annotations

from collections.abc import Iterable

from postern.model import Decision, Disposition, HeaderField, Transaction
from postern.spf.received_spf import NAME
from postern_frontend.screening.screen import Screen


def note_spf_pass(screen: Screen, transaction: Transaction, decision: Decision) -> None:
    """Remember the client's network when its mail passed SPF and was wanted: a spammer can have SPF as well."""
    wanted = any(copy.disposition is Disposition.ACCEPT and not copy.flagged for copy in decision.recipients)
    if decision.reply.is_positive and wanted and passed_spf(decision.headers):
        screen.spf_passed(transaction.client_ip)


def passed_spf(headers: Iterable[HeaderField]) -> bool:
    """Whether our Received-SPF says that the reverse-path passed (RFC 7208 §9.1)."""
    return any(
        field.name == NAME and field.value.startswith("pass ") and "identity=mailfrom" in field.value
        for field in headers
    )
