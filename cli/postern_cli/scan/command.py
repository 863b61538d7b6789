"""The command line of `postern scan`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from postern.given_effects import GivenRules, GivenSiteModel, GivenStores
from postern.policy_book import PolicyBook
from postern.ports import Resolver, Unavailable
from postern_cli.console import AsJson, ExitCode, fail, out, print_json, print_json_line
from postern_cli.learn.options import State
from postern_cli.rules.sources import RuleFilesError, given_rules
from postern_cli.scan.answer import answer, is_delivered
from postern_cli.scan.batch import STANDARD_INPUT, answers
from postern_cli.scan.case import ScanCase, read_client_ip, read_message, read_overrides, read_zone
from postern_cli.scan.case_error import CaseError
from postern_cli.scan.judging import UnaskedResolver, Verdict, judge_case
from postern_cli.scan.report import Troubles, print_report

app = typer.Typer(add_completion=False)

Files = Annotated[list[Path] | None, typer.Argument(help="Message files (RFC 5322), or - for standard input.")]
BatchFile = Annotated[
    Path | None, typer.Option("--batch", help="Read one case per line of JSON from this file (- for standard input).")
]


@app.command()
def scan(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    files: Files = None,
    batch: BatchFile = None,
    as_json: AsJson = False,
    client_ip: Annotated[str | None, typer.Option(help="The address the message came from.")] = None,
    helo: Annotated[str | None, typer.Option(help="What that client said in HELO or EHLO.")] = None,
    mail_from: Annotated[str | None, typer.Option(help="The reverse-path; an empty text is the null one.")] = None,
    rcpt_to: Annotated[list[str] | None, typer.Option(help="A recipient; can be given several times.")] = None,
    zone: Annotated[Path | None, typer.Option(help="Answer DNS questions from this zone file (JSON).")] = None,
    dns: Annotated[
        bool | None, typer.Option("--dns/--no-dns", help="Ask the system's DNS servers. [files: yes, batch: no]")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy sections to judge by (JSON).")] = None,
    rules: Annotated[
        list[Path] | None, typer.Option(help="Rule files, or a folder of them, to judge by as well.")
    ] = None,
    now: Annotated[datetime | None, typer.Option(help="Judge as of this time.")] = None,
    state: State = None,
) -> None:
    """Judge messages and explain the verdict.

    Nothing is delivered and no service is needed: the checks of the service run in this process. The exit code is 0
    when every message would reach the inbox. `docs/cli.md` describes the cases of `--batch`.

    Examples:

      postern scan mail.eml

      postern scan --client-ip 203.0.113.9 --mail-from ann@example.net --rcpt-to bob@example.com mail.eml

      postern scan --batch cases.jsonl --json > results.jsonl

      postern scan --state learnt mail.eml

      postern scan --rules local.cf mail.eml
    """
    if (batch is None) == (not files):
        fail("give message files, or --batch with a file of cases", hint="postern scan --help", code=ExitCode.USAGE)
    stores = GivenStores(site_model=_learnt(state), rules=_rules(rules or []))
    if batch is not None:
        _scan_batch(batch, _resolver(ask=dns is True), stores)
        return
    try:
        template = ScanCase(
            raw=b"",
            client_ip=read_client_ip(client_ip),
            helo=helo,
            mail_from=mail_from,
            rcpt_to=tuple(rcpt_to or ()),
            resolver=read_zone(zone) if zone else None,
            policy=_overrides(policy) if policy else {},
            now=now.astimezone() if now else None,
            stores=stores,
        )
        verdicts = _verdicts(files or [], template, _resolver(ask=dns is not False and not zone))
        delivered = _tell_json(verdicts) if as_json else _tell(verdicts)
    except CaseError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    raise typer.Exit(int(ExitCode.DONE if delivered else ExitCode.NOT_DONE))


def _overrides(path: Path) -> Any:
    try:
        return read_overrides(json.loads(path.read_text(encoding="utf-8")))
    except OSError as trouble:
        raise CaseError(f"policy: cannot read {str(path)!r}: {trouble.strerror}") from trouble
    except (ValueError, RecursionError) as wrong:
        raise CaseError(f"policy: {str(path)!r}: {wrong}") from wrong


def _learnt(state: Path | None) -> GivenSiteModel:
    """What was learnt in a directory; nothing without one."""
    if state is None:
        return GivenSiteModel()
    from postern_cli.learn.state import LearntState  # noqa: PLC0415 - a scan without it starts faster

    try:
        return LearntState(state).site_model()
    except Unavailable as trouble:
        fail(str(trouble), hint="postern learn --help", code=ExitCode.UNAVAILABLE)


def _rules(paths: list[Path]) -> GivenRules:
    """The rules of files and folders; none without any."""
    try:
        return GivenRules(given_rules(paths)) if paths else GivenRules()
    except RuleFilesError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)


def _resolver(*, ask: bool) -> Resolver:
    if not ask:
        return UnaskedResolver()
    from postern_aws.dns import SystemResolver  # noqa: PLC0415 - a scan with a zone starts faster without it

    return SystemResolver()


def _verdicts(files: list[Path], template: ScanCase, resolver: Resolver) -> Iterator[Verdict]:
    for path in files:
        verdict = judge_case(replace(template, raw=_read(path), case_id=str(path)), PolicyBook(), resolver)
        Troubles().add(verdict)
        yield verdict


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else read_message(path)


def _tell(verdicts: Iterator[Verdict]) -> bool:
    """Print the reports; whether every message would reach the inbox."""
    delivered = True
    for verdict in verdicts:
        print_report(out, str(verdict.case.case_id), verdict)
        delivered = delivered and is_delivered(verdict)
    return delivered


def _tell_json(verdicts: Iterator[Verdict]) -> bool:
    """Print the one answer, or a list of them; whether every message would reach the inbox."""
    told = [(answer(verdict), is_delivered(verdict)) for verdict in verdicts]
    print_json(told[0][0] if len(told) == 1 else [one for one, _ in told])
    return all(delivered for _, delivered in told)


def _scan_batch(path: Path, resolver: Resolver, site: GivenStores) -> None:
    try:
        for told in answers(path, resolver, site):
            print_json_line(told)
    except BrokenPipeError:
        raise
    except OSError as trouble:
        fail(f"cannot read {path}: {trouble.strerror}", code=ExitCode.USAGE)
