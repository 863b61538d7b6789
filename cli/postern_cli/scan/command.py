"""The command line of `postern scan`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from postern.policy_book import PolicyBook
from postern.ports import Resolver
from postern_cli.console import ExitCode, err, fail, out, print_json, print_json_line
from postern_cli.scan.answer import answer, is_delivered
from postern_cli.scan.case import CaseError, ScanCase, read_case, read_message, read_overrides, read_zone
from postern_cli.scan.judging import UnaskedResolver, Verdict, judge_case
from postern_cli.scan.report import print_report

Files = Annotated[list[Path] | None, typer.Argument(help="Message files (RFC 5322), or - for standard input.")]
BatchFile = Annotated[
    Path | None, typer.Option("--batch", help="Read one case per line of JSON from this file (- for standard input).")
]


def scan(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    files: Files = None,
    batch: BatchFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON.")] = False,
    client_ip: Annotated[str | None, typer.Option(help="The address the message came from.")] = None,
    helo: Annotated[str | None, typer.Option(help="What that client said in HELO or EHLO.")] = None,
    mail_from: Annotated[str | None, typer.Option(help="The reverse-path; an empty text is the null one.")] = None,
    rcpt_to: Annotated[list[str] | None, typer.Option(help="A recipient; can be given several times.")] = None,
    zone: Annotated[Path | None, typer.Option(help="Answer DNS questions from this zone file (JSON).")] = None,
    dns: Annotated[bool, typer.Option("--dns/--no-dns", help="Ask the system's DNS servers.")] = True,
    policy: Annotated[Path | None, typer.Option(help="Policy sections to judge by, as JSON.")] = None,
    now: Annotated[datetime | None, typer.Option(help="Judge as of this time.")] = None,
) -> None:
    """Judge messages and explain the verdict.

    Nothing is delivered and no service is needed: the checks of the service run in this process.

    Examples:

      postern scan mail.eml

      postern scan --client-ip 203.0.113.9 --mail-from ann@example.net --rcpt-to bob@example.com mail.eml

      postern scan --batch cases.jsonl --json > results.jsonl
    """
    if (batch is None) == (not files):
        fail("give message files, or --batch with a file of cases", hint="postern scan --help", code=ExitCode.USAGE)
    if batch is not None:
        _scan_batch(batch)
        return
    template = ScanCase(
        raw=b"",
        client_ip=client_ip,
        helo=helo,
        mail_from=mail_from,
        rcpt_to=tuple(rcpt_to or ()),
        now=now.astimezone() if now else None,
    )
    _scan_files(
        files or [], _completed(template, zone, policy), _system_resolver() if dns else UnaskedResolver(), as_json
    )


def _completed(template: ScanCase, zone: Path | None, policy: Path | None) -> ScanCase:
    try:
        sections = read_overrides(json.loads(policy.read_text(encoding="utf-8"))) if policy else {}
        return replace(template, resolver=read_zone(zone) if zone else None, policy=sections)
    except (OSError, ValueError) as wrong:
        fail(str(wrong), code=ExitCode.USAGE)


def _system_resolver() -> Resolver:
    from postern_aws.dns import SystemResolver  # noqa: PLC0415 - a scan with a zone starts faster without it

    return SystemResolver()


def _scan_files(files: list[Path], template: ScanCase, resolver: Resolver, as_json: bool) -> None:
    answers, delivered = [], True
    for path in files:
        try:
            verdict = judge_case(replace(template, raw=_read(path), case_id=str(path)), PolicyBook(), resolver)
        except CaseError as wrong:
            fail(str(wrong), code=ExitCode.USAGE)
        _tell_troubles(verdict)
        delivered = delivered and is_delivered(verdict)
        if as_json:
            answers.append(answer(verdict))
        else:
            print_report(out, str(path), verdict)
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    raise typer.Exit(int(ExitCode.DONE if delivered else ExitCode.NOT_DONE))


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == "-" else read_message(path)


def _tell_troubles(verdict: Verdict) -> None:
    for check_id, trouble in verdict.troubles:
        err.print(f"[yellow]{check_id} could not be done:[/] {type(trouble).__name__}: {trouble}")


def _scan_batch(path: Path) -> None:
    try:
        for line in _lines(path):
            print_json_line(_answer_line(line))
    except OSError as trouble:
        fail(f"cannot read {path}: {trouble.strerror}", code=ExitCode.USAGE)


def _answer_line(line: str) -> dict[str, Any]:
    try:
        verdict = judge_case(read_case(line), PolicyBook(), UnaskedResolver())
    except CaseError as wrong:
        return {"id": _id_of(line), "error": str(wrong)}
    _tell_troubles(verdict)
    return answer(verdict)


def _id_of(line: str) -> object:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data.get("id") if isinstance(data, dict) else None


def _lines(path: Path) -> Iterator[str]:
    if str(path) == "-":
        yield from _filled(sys.stdin)
        return
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        yield from _filled(file)


def _filled(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if line.strip())
