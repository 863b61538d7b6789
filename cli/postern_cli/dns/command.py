"""The command line of `postern dns`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from postern.dkim.key_set import KeySet
from postern.dns import canonical_name
from postern.ports import Resolver, Unavailable
from postern.wire import to_json
from postern_aws.dkim_keys import DkimSecrets
from postern_cli.console import AsJson, ExitCode, err, fail, out, print_json, printable
from postern_cli.dns.examination import State, Subject, examine, is_ready
from postern_cli.options import with_service
from postern_cli.scan.case import read_zone
from postern_cli.scan.case_error import CaseError
from postern_cli.service import Service, ServiceNotFound

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at what a domain publishes for mail.")

COLOURS = {
    State.GOOD: "green",
    State.ADVICE: "yellow",
    State.MISSING: "red",
    State.WRONG: "red",
    State.UNKNOWN: "cyan",
}


@app.callback()
def dns() -> None:
    """Look at what a domain publishes for mail."""


@app.command()
@with_service
def check(
    service: Service,
    domain: Annotated[str, typer.Argument(help="The domain, e.g. example.com")],
    selector: Annotated[list[str] | None, typer.Option(help="A DKIM selector to look up; several times.")] = None,
    zone: Annotated[Path | None, typer.Option(help="Answer from this zone file (JSON) instead of the DNS.")] = None,
    as_json: AsJson = False,
) -> None:
    """MX, PTR, SPF, DKIM and DMARC of a domain: what is there, what is missing, and the record to publish.

    The keys that the service signs the domain's mail with are looked up by themselves, if there is a service to ask.
    The exit code is 0 when nothing is missing or wrong.
    """
    subjects = examine(domain, resolver_of(zone), tuple(selector or ()), _own_keys(service, domain))
    if as_json:
        print_json(to_json(subjects))
    else:
        _print_table(domain, subjects)
    raise typer.Exit(int(ExitCode.DONE if is_ready(subjects) else ExitCode.NOT_DONE))


def resolver_of(zone: Path | None) -> Resolver:
    """The DNS, or the zone file that stands for it."""
    if zone is not None:
        try:
            return read_zone(zone)
        except CaseError as wrong:
            fail(str(wrong), code=ExitCode.USAGE)
    from postern_aws.dns import SystemResolver  # noqa: PLC0415 - only when the DNS is asked

    return SystemResolver()


def _own_keys(service: Service, domain: str) -> KeySet | None:
    """The domain's keys. Other people's domains can be looked at, too, and without any service."""
    try:
        return DkimSecrets(service.secrets).read(canonical_name(domain))
    except (ServiceNotFound, Unavailable) as trouble:
        err.print(Text(f"{service.name} was not asked for keys: {trouble}.", style="dim"))
        return None


def _print_table(domain: str, subjects: tuple[Subject, ...]) -> None:
    table = Table(title=f"Mail DNS of {domain}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("subject", "state", "found"):
        table.add_column(column, overflow="fold")
    for subject in subjects:
        state = Text(subject.state.value, style=COLOURS[subject.state])
        table.add_row(printable(subject.name), state, printable(subject.found))
    out.print(table)
    missing = [subject.publish for subject in subjects if subject.publish]
    if missing:
        out.print("\n[bold]To publish:[/]")
        for record in missing:
            out.print(Text(f"  {record}"), soft_wrap=True)
