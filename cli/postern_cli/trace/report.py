"""A receipt as a report for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from postern.disposition import points_text
from postern.exchange import read_result
from postern.model import Direction, Disposition, Transaction
from postern_aws.receipts import Receipt
from postern_cli.console import printable
from postern_cli.explanation import COLOURS, Results, disposition_cell, explanation, points_cell
from postern_cli.trace.whereabouts import Whereabouts

_SEVERITY = tuple(Disposition)


def results_of(receipt: Receipt) -> Results:
    """The checks' results, without their evidence."""
    return {
        check_id: read_result({"result": result}, with_evidence=False) for check_id, result in receipt.results.items()
    }


def report(receipt: Receipt, places: Sequence[Whereabouts]) -> RenderableType:
    """Everything about one message."""
    return Group(_summary(receipt), _recipients(receipt, places), *explanation(results_of(receipt)))


def overview(receipts: Iterable[Receipt]) -> Table:
    """A line per message, newest first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("received", no_wrap=True)
    table.add_column("id", no_wrap=True)
    table.add_column("became")
    table.add_column("score", justify="right")
    table.add_column("from", overflow="fold")
    table.add_column("to", overflow="fold")
    for receipt in receipts:
        table.add_row(*_line(receipt))
    return table


def _line(receipt: Receipt) -> tuple[RenderableType, ...]:
    transaction, decided = receipt.transaction, receipt.decision.recipients
    return (
        f"{transaction.received_at.astimezone():%Y-%m-%d %H:%M:%S}",
        transaction.transaction_id,
        disposition_cell(severest(receipt)),
        points_cell(max((one.score for one in decided), default=0)),
        printable(_reverse_path(transaction)),
        printable(", ".join(one.address for one in decided)),
    )


def severest(receipt: Receipt) -> Disposition:
    """The harshest thing that was done with any copy."""
    found = (one.disposition for one in receipt.decision.recipients)
    return max(found, key=_SEVERITY.index, default=Disposition.ACCEPT)


def _summary(receipt: Receipt) -> Panel:
    transaction, decision = receipt.transaction, receipt.decision
    harshest = severest(receipt)
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(transaction, decision.reverse_path).items():
        facts.add_row(Text(name, style="dim"), printable(value))
    reply = decision.reply.encode().decode("ascii").rstrip()
    lines = Group(disposition_cell(harshest), Text(reply), Text(), facts)
    policy = f"policy {decision.policy_version}" if decision.policy_version else "default policy"
    subtitle = f"{transaction.message.size:,} octets · {policy}"
    title = transaction.transaction_id
    return Panel(lines, title=title, title_align="left", subtitle=subtitle, border_style=COLOURS[harshest])


def _facts(transaction: Transaction, leaves_as: str | None) -> dict[str, str]:
    session = transaction.session
    tls = session.tls if session else None
    return {
        **({"direction": "outgoing"} if transaction.direction is Direction.OUTBOUND else {}),
        "received": f"{transaction.received_at.astimezone():%Y-%m-%d %H:%M:%S %Z}",
        "client": f"{transaction.client_ip or 'unknown'} ({transaction.helo_identity or 'no HELO'})",
        "TLS": f"{tls.version} {tls.cipher}" if tls else "none",
        "reverse-path": _reverse_path(transaction),
        **({"leaves as": leaves_as} if leaves_as else {}),
        **({"authenticated": session.authenticated_as} if session and session.authenticated_as else {}),
        **({"noticed": ", ".join(transaction.observations)} if transaction.observations else {}),
    }


def _reverse_path(transaction: Transaction) -> str:
    return transaction.reverse_path or "<>"


def _recipients(receipt: Receipt, places: Sequence[Whereabouts]) -> Table:
    at = {one.address: one.place for one in places}
    table = Table(title="\nRecipients", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("recipient", overflow="fold")
    table.add_column("became")
    table.add_column("score", justify="right")
    table.add_column("is now", overflow="fold")
    table.add_column("why", overflow="fold")
    for one in receipt.decision.recipients:
        became = disposition_cell(one.disposition)
        if one.wanted is not one.disposition:
            became.append(f" (would be {one.wanted.value})", style="dim")
        why = printable("; ".join(one.reasons))
        table.add_row(printable(one.address), became, points_text(one.score), Text(at.get(one.address, "")), why)
    return table
