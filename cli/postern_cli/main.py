"""The `postern` command: every sub-command is imported when it is called."""

from __future__ import annotations

import typer

from postern_cli.scan.command import scan

app = typer.Typer(
    name="postern",
    help="Postern guards the mail of your domains. Each command explains itself with --help.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(scan)


@app.callback()
def postern() -> None:
    """Postern guards the mail of your domains."""


def main() -> None:
    """Run the command line."""
    app()
