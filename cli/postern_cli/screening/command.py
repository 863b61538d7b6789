"""The command line of `postern screening`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from postern.policy import PolicyError
from postern.session.bans import Ban, BanKind, BanReason
from postern.session.screening_policy import ScreeningPolicy
from postern.session.subjects import SubjectKind, is_screened, named
from postern.wire import to_json
from postern_aws.screening import BAN, DynamoScreening
from postern_cli.console import AsJson, err, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.rows import plain
from postern_cli.screening.report import ban_facts, bans_table, subject_report
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See who is shut out; ban somebody, or lift a ban.")

Whom = Annotated[str, typer.Argument(metavar="WHOM", help="203.0.113.9, 203.0.113.0/24, a /64, or an account.")]

_PERIOD = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@app.callback()
def screening() -> None:
    """See who is shut out; ban somebody, or lift a ban."""


@app.command()
@with_service
def show(
    service: Service,
    whom: Annotated[str | None, typer.Argument(metavar="[WHOM]", help="All that is known of one of them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also bans that are over, while they are remembered.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the bans in force, or all that is known of one client, network or account.

    Examples:

      postern screening show

      postern screening show 203.0.113.9
    """
    now = datetime.now(UTC)
    if whom is not None:
        _show_one(service, whom, now, as_json=as_json)
        return
    bans = [ban for ban in _table(service).every_ban() if every or ban.is_in_force(now)]
    bans.sort(key=lambda ban: ban.since, reverse=True)
    if as_json:
        print_json([ban_facts(ban, now) for ban in bans])
    elif bans:
        out.print(bans_table(bans, now))
    else:
        out.print("Nobody is banned.")


@app.command()
@with_service
def ban(
    service: Service,
    whom: Whom,
    period: Annotated[
        str | None, typer.Option("--for", help="How long: 90m, 12h, 30d, 8w. Without it, for ever.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, for the next person.")] = "",
    as_json: AsJson = False,
) -> None:
    """Shut out a client, a network or an account.

    A client that a person has banned is refused for good (554); one that was banned by itself is put off (421).
    Networks of other sizes than /24 and /64 go into the policy: postern policy set screening.ban

    Examples:

      postern screening ban 203.0.113.9 --for 12h --note "guesses names"

      postern screening ban ann@example.com --note "password is known to others"
    """
    subject = named(whom)
    if subject.kind is not SubjectKind.ACCOUNT and not is_screened(subject.name.partition("/")[0]):
        fail(f"{subject.name} is private, and private addresses are never banned")
    now = datetime.now(UTC).replace(microsecond=0)
    until = None if period is None else now + _lasts(period)
    made = Ban(subject=subject, since=now, until=until, kind=BanKind.MANUAL, reason=BanReason.POSTMASTER, note=note)
    _table(service).put(made, None if until is None else until + ScreeningPolicy().forget_after)
    if as_json:
        print_json(ban_facts(made, now))
    else:
        out.print(f"banned {subject.name} {_end_of(made)}", markup=False)
        err.print("[dim]In force within a minute.[/]")


@app.command()
@with_service
def lift(service: Service, whom: Whom, as_json: AsJson = False) -> None:
    """Lift a ban, and forget what was counted of its subject.

    Examples:

      postern screening lift 203.0.113.9
    """
    subject = named(whom)
    if not _table(service).lift(subject):
        fail(f"{subject.name} is not banned", hint="postern screening show lists who is.")
    if as_json:
        print_json({"subject": str(subject), "lifted": True})
    else:
        out.print(f"lifted the ban of {subject.name}", markup=False)
        err.print("[dim]In force within a minute.[/]")


def _show_one(service: Service, whom: str, now: datetime, *, as_json: bool) -> None:
    subject = named(whom)
    table = _table(service)
    bans = table.bans((subject,))
    rows: list[dict[str, Any]] = [plain(row) for row in table.rows(subject) if row["counter"] != BAN]
    if as_json:
        found = [ban_facts(one, now) for one in bans]
        print_json({"subject": str(subject), "ban": found[0] if found else None, "counters": to_json(rows)})
    else:
        out.print(subject_report(subject, bans, rows, now))


def _table(service: Service) -> DynamoScreening:
    return DynamoScreening(service.dynamodb, service.output(Output.SCREENING_TABLE))


def _lasts(text: str) -> timedelta:
    """Raises `PolicyError`."""
    period = _PERIOD.fullmatch(text.strip().lower())
    if period is None or not int(period[1]):
        raise PolicyError(f"--for: expected a period such as 90m, 12h, 30d or 8w, found {text!r}")
    return int(period[1]) * _UNITS[period[2]]


def _end_of(made: Ban) -> str:
    return "for ever" if made.until is None else f"until {made.until:%Y-%m-%d %H:%M} UTC"
