"""The command line of `postern reports`."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from postern.dmarc_reports.counting import AggregateRow
from postern.dmarc_reports.policy import DmarcReportsPolicy
from postern.dmarc_reports.received import AggregateFeedback, Feedback, ReportError
from postern.dmarc_reports.summary import summarize
from postern.dmarc_reports.unpacking import read_reports
from postern.dmarc_reports.writing import Reporter, reports_of, write_report
from postern.policy import PolicyError, attributes, read_section
from postern.policy_book import GLOBAL_SCOPE
from postern_aws.dmarc_rows import SECTION, DynamoDmarcRows
from postern_aws.dmarc_sending import reporter_of
from postern_aws.received_reports import DynamoReceivedReports
from postern_cli.console import AsJson, ExitCode, err, fail, out, print_json, printable
from postern_cli.options import with_service
from postern_cli.reports.presentation import summary_data, summary_view
from postern_cli.service import Output, Service

MAX_FILE_OCTETS = 64 * 1024 * 1024
DAYS = 30

app = typer.Typer(no_args_is_help=True, add_completion=False, help="DMARC and TLS reports: received, and to be sent.")


@app.callback()
def reports() -> None:
    """DMARC and TLS reports: what others say about your domains, and what will be said about theirs."""


@app.command("import")
@with_service
def import_(
    service: Service,
    files: Annotated[list[Path], typer.Argument(help="Messages, .xml, .json, .gz or .zip files.")],
    as_json: AsJson = False,
) -> None:
    """Read aggregate (RFC 9990) and TLS reports (RFC 8460) about your domains, and keep them.

    A report that is there already is not counted again. Files that cannot be read are named, and the others are kept.

    Examples:

      postern reports import ~/Downloads/*.xml.gz
    """
    table = DynamoReceivedReports(service.dynamodb, service.output(Output.RECEIVED_REPORTS_TABLE))
    lines = [line for path in files for line in _import_file(table, path)]
    failed = [line for line in lines if "error" in line]
    if as_json:
        print_json(lines)
    else:
        for line in lines:
            out.print(_import_line(line))
    if failed:
        fail(f"{len(failed)} of {len(files)} files could not be read", code=ExitCode.NOT_DONE)


@app.command()
@with_service
def show(
    service: Service,
    domain: Annotated[str | None, typer.Option(help="Only reports about this domain.")] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="How many days back.")] = DAYS,
    as_json: AsJson = False,
) -> None:
    """Show who sends as your domains, and whether it is authenticated, by the reports of others."""
    table = DynamoReceivedReports(service.dynamodb, service.output(Output.RECEIVED_REPORTS_TABLE))
    first_day = datetime.now(UTC).date() - timedelta(days=days)
    summaries = summarize(table.since(first_day, domain.lower() if domain else None))
    if as_json:
        print_json([summary_data(one) for one in summaries])
    elif summaries:
        for one in summaries:
            out.print(summary_view(one))
    else:
        out.print("No report was received in this time.")
        err.print("[dim]postern reports import FILE reads reports.[/]")


@app.command()
@with_service
def preview(
    service: Service,
    domain: Annotated[str, typer.Argument(help="A policy domain whose owner asks for reports.")],
    day: Annotated[str | None, typer.Option(help="A day of UTC such as 2026-01-31. [today]")] = None,
) -> None:
    """Write the report that the owner of a domain would get for a day, as XML (RFC 9990)."""
    wanted = _day(day)
    rows = DynamoDmarcRows(service.dynamodb, service.output(Output.DMARC_REPORTS_TABLE))
    found: list[tuple[AggregateRow, int]] = list(rows.rows(wanted, domain.lower()))
    if not found:
        fail(f"nothing was counted for {domain} on {wanted}", hint="Only owners whose policy has rua= get reports.")
    for report in reports_of(found, _reporter(service), wanted):
        err.print(f"[dim]{report.filename}[/]")
        sys.stdout.write(write_report(report).decode())


def _reporter(service: Service) -> Reporter:
    hostname = service.outputs.get("HostName", "localhost")
    stored = service.rows(Output.POLICY_TABLE).get({"scope": GLOBAL_SCOPE, "section": SECTION})
    section = {name: value for name, value in stored.items() if name in attributes(DmarcReportsPolicy)}
    policy = read_section(DmarcReportsPolicy, section, SECTION)
    return reporter_of(policy, hostname)


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError as wrong:
        raise PolicyError(f"--day: expected a day such as 2026-01-31, found {text!r}") from wrong


def _import_file(table: DynamoReceivedReports, path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            found = read_reports(file.read(MAX_FILE_OCTETS))
    except (ReportError, OSError) as wrong:
        return [{"file": str(path), "error": str(getattr(wrong, "strerror", None) or wrong)}]
    return [{"file": str(path), **_told(one), "new": table.add(one)} for one in found]


def _told(feedback: Feedback) -> dict[str, Any]:
    common = {"domain": feedback.domain, "org_name": feedback.org_name, "day": feedback.begin.date().isoformat()}
    if isinstance(feedback, AggregateFeedback):
        return {**common, "kind": "dmarc", "messages": feedback.messages, "aligned": feedback.aligned}
    return {**common, "kind": "tls", "sessions": feedback.successful + feedback.failed, "failed": feedback.failed}


def _import_line(line: dict[str, Any]) -> Any:
    if "error" in line:
        return printable(f"{line['file']}: {line['error']}")
    what = (
        f"{line['messages']} messages, {line['aligned']} aligned"
        if line["kind"] == "dmarc"
        else (f"{line['sessions']} sessions, {line['failed']} failed")
    )
    known = "" if line["new"] else " (known already)"
    return printable(f"{line['day']} {line['kind']:5} {line['domain']} by {line['org_name']}: {what}{known}")
