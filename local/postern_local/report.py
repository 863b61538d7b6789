"""What `postern up` prints: progress, the table of the samples, and what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from postern.disposition import points_text
from postern.model import Disposition, Points, RecipientDecision
from postern.runner import OBSERVED
from postern_aws.receipts import Receipt
from postern_local.demonstration import HOSTED, PASSWORD
from postern_local.samples import Sent
from postern_local.service_file import RunningService

FINDINGS_SHOWN = 3
WIDE = 120
"""Columns of a terminal from which on everything has a column of its own."""

ELSEWHERE = "203.0.113.80"
HERE = "here.example"
"""The domain whose mail comes from this machine, by the zone file: what it sends to itself passes SPF."""

_STYLES = {
    Disposition.ACCEPT: "green",
    Disposition.JUNK: "yellow",
    Disposition.QUARANTINE: "yellow",
    Disposition.DISCARD: "red",
    Disposition.DEFER: "magenta",
    Disposition.REJECT: "red",
}


def samples_table(sent: Sequence[Sent], width: int = WIDE) -> Table:
    """A row per recipient of each sample: what became of it, why, and what the sender was told."""
    return _wide_table(sent) if width >= WIDE else _narrow_table(sent)


def _narrow_table(sent: Sequence[Sent]) -> Table:
    """The same for a terminal of 80 columns: what became of it in one column, for whom and why in another."""
    table = Table(title="What became of the sample messages", title_justify="left", pad_edge=False, show_lines=True)
    table.add_column("sample", no_wrap=True)
    table.add_column("became", no_wrap=True)
    table.add_column("for whom, and why", overflow="fold")
    for one in sent:
        for name, address, became, score, why, reply in _rows(one):
            outcome = Text("\n").join(Text.assemble(part) for part in (became, str(score), str(reply)) if str(part))
            table.add_row(name, outcome, Text(f"{address}\n{why}"))
    return table


def _wide_table(sent: Sequence[Sent]) -> Table:
    table = Table(title="What became of the sample messages", title_justify="left", pad_edge=False)
    for heading in ("sample", "recipient", "disposition"):
        table.add_column(heading, no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("why")
    table.add_column("reply", no_wrap=True)
    for one in sent:
        for row in _rows(one):
            table.add_row(*row)
    return table


def _rows(sent: Sent) -> Iterator[tuple[str | Text, ...]]:
    code, _, text = sent.reply.partition(" ")
    enhanced, _, said = text.partition(" ")
    reply = f"{code} {enhanced}"
    if sent.receipt is None:
        word, style = ("deferred", "magenta") if code.startswith("4") else ("refused", "red")
        yield sent.sample.name, " ".join(sent.sample.rcpt_to), Text(word, style), "", Text(said), reply
        return
    for at, decided in enumerate(sent.receipt.decision.recipients):
        yield (
            "" if at else sent.sample.name,
            decided.address,
            Text(decided.disposition.value, _STYLES[decided.disposition]),
            points_text(decided.score),
            Text("; ".join(part for part in (*decided.reasons[:1], _top_findings(sent.receipt, decided)) if part)),
            "" if at else reply,
        )


def _top_findings(receipt: Receipt, decided: RecipientDecision) -> str:
    """The findings about this recipient's copy that counted most, either way."""
    counting = [one for one in receipt.results.values() if not one.get("properties", {}).get(OBSERVED)]
    findings = [one for result in counting for one in result.get("findings", ())]
    counted = [one for one in findings if one["score"] and decided.address in one.get("recipients", decided.address)]
    telling = sorted(counted, key=lambda one: -abs(one["score"]))[:FINDINGS_SHOWN]
    return ", ".join(f"{one['symbol']} {points_text(Points(one['score']))}" for one in telling)


def print_ready(console: Console, running: RunningService, state: str, authority: str) -> None:
    """Where to connect and what to try next."""
    smtp, proxied = running.smtp_port, running.proxy_port
    console.print()
    console.print("[bold]Postern is up.[/] Ctrl-C stops it; mail and policy stay.", highlight=False)
    lines = (
        ("SMTP", f"127.0.0.1:{smtp}, with STARTTLS; behind a PROXY header also on {proxied}"),
        ("Submission", f"127.0.0.1:{running.submission_port}, with STARTTLS; under TLS on {running.submissions_port}"),
        ("", f"behind a PROXY header also on {running.submission_proxy_port}"),
        ("Account", f"ann@{HOSTED}, password {PASSWORD}"),
        ("Recipients", "ann@example.com, bob@example.com, team@example.com, anything@relayed.example"),
        ("Embedded AWS", running.endpoint_url),
        ("State and logs", state),
        ("Root certificate", authority),
    )
    for name, text in lines:
        console.print(f"  [dim]{name:17}[/]{text}", highlight=False, soft_wrap=True)
    console.print("\nTry next, in another terminal:", highlight=False)
    for command in _commands(running, "" if Path(state) == Path(".postern").resolve() else f" --local {state}"):
        console.print(f"  {command}", highlight=False, soft_wrap=True, markup=False)
    console.print()


def _commands(running: RunningService, where: str) -> tuple[str, ...]:
    smtp, proxied = running.smtp_port, running.proxy_port
    login = f"--auth-user ann@{HOSTED} --auth-password {PASSWORD}"
    from_club = "--from office@club.example --helo host80.dialup.example --to bob@example.com"
    proxy = f"--proxy-version 1 --proxy-family TCP4 --proxy-source {ELSEWHERE} --proxy-source-port 40000"
    return (
        f"swaks --server 127.0.0.1:{smtp} --tls --helo {HERE} --from you@{HERE} --to ann@example.com",
        f"swaks --server 127.0.0.1:{proxied} {proxy} --proxy-dest 192.0.2.25 --proxy-dest-port 25 {from_club}",
        f"swaks --server 127.0.0.1:{running.submission_port} --tls {login} --from ann@{HOSTED} --to bob@{HOSTED}",
        f".venv/bin/postern trace --last 5{where}",
        f".venv/bin/postern quarantine list{where}",
        f".venv/bin/postern policy show{where}",
    )
