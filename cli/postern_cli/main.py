"""The `postern` command. A sub-command's module is imported when it is called: what is not needed costs no time."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command as made_of

MODULES = {
    "up": "postern_cli.up.command",
    "scan": "postern_cli.scan.command",
    "learn": "postern_cli.learn.command",
    "bayes": "postern_cli.bayes.command",
    "trace": "postern_cli.trace.command",
    "quarantine": "postern_cli.quarantine.command",
    "queue": "postern_cli.queue.command",
    "policy": "postern_cli.policy.command",
    "lists": "postern_cli.lists.command",
    "rules": "postern_cli.rules.command",
    "greylist": "postern_cli.greylist.command",
    "screening": "postern_cli.screening.command",
    "shield": "postern_cli.shield.command",
    "reports": "postern_cli.reports.command",
    "backscatter": "postern_cli.backscatter.command",
    "domains": "postern_cli.directory.domains",
    "accounts": "postern_cli.accounts.command",
    "aliases": "postern_cli.directory.aliases",
    "dns": "postern_cli.dns.command",
    "dkim": "postern_cli.dkim.command",
    "selftest": "postern_cli.selftest.command",
    "cost": "postern_cli.cost.command",
}
"""The module of each sub-command; its `app` is the command. `postern --help` lists them in this order."""


class SubCommands(TyperGroup):
    """The sub-commands, each made when it is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": dict.fromkeys(MODULES)})

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order people meet them."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or `None`."""
        if cmd_name not in MODULES:
            return None
        command = made_of(import_module(MODULES[cmd_name]).app)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="postern",
    cls=SubCommands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("postern"))
        raise typer.Exit


@app.callback()
def postern(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Postern guards the mail of your domains. Each command explains itself with --help."""


def main() -> None:
    """Run the command line. A reader that went away (`postern … | head`) is no error."""
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
