"""The command line of `postern selftest`."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from postern.self_test import Health
from postern_cli.console import AsJson, ExitCode, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.service import Output, Service

app = typer.Typer(add_completion=False, help="Send synthetic mail through the filter and see which defences notice.")

COLOURS = {Health.ALIVE.value: "green", Health.OFF.value: "dim", Health.DEAD.value: "bold red"}
LIST_COLOURS = {"healthy": "green"}


@app.command()
@with_service
def selftest(service: Service, as_json: AsJson = False) -> None:
    """Send synthetic mail through the real filter and see which defences notice it.

    The same runs every day by itself and raises an alarm. Nothing is delivered. A DNS list that refuses us or lists
    everything is only observed until it is well again. The exit code is 0 when no defence is dead.
    """
    answer = _run(service)
    if as_json:
        print_json(answer)
    else:
        out.print(_outcomes(answer["outcomes"]))
        since = {(one["section"], one["name"]): one["since"] for one in answer["switched"]}
        out.print(_lists(answer["lists"], since))
    dead = [one for one in answer["outcomes"] if one["health"] == Health.DEAD.value]
    raise typer.Exit(int(ExitCode.NOT_DONE if dead else ExitCode.DONE))


def _run(service: Service) -> dict[str, Any]:
    name = service.output(Output.SELF_TEST_FUNCTION)
    answer = service.make_client("lambda").invoke(FunctionName=name, Payload=b"{}")
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        fail(
            f"the self-test could not be done: {payload.get('errorMessage', 'no reason given')}",
            hint="The function's log has the cause.",
            code=ExitCode.UNAVAILABLE,
        )
    return payload


def _outcomes(outcomes: list[dict[str, Any]]) -> Table:
    table = Table(title="Defences", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("check", "health", "why"):
        table.add_column(column, overflow="fold")
    for one in outcomes:
        table.add_row(one["check_id"], Text(one["health"], style=COLOURS[one["health"]]), Text(one.get("reason", "")))
    return table


def _lists(lists: list[dict[str, str]], switched: dict[tuple[str, str], str]) -> Table:
    table = Table(title="\nDNS lists", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("check", "list", "health", "counts"):
        table.add_column(column)
    for one in lists:
        section, name, health = one["section"], one["name"], one["health"]
        since = switched.get((section, name), "")
        counts = f"only observed since {since[:16]}" if since else "yes"
        table.add_row(section, name, Text(health, style=LIST_COLOURS.get(health, "red")), counts)
    return table
