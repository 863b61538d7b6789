"""What every command shares with the person in front of it: the console, exit codes and error messages."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from postern.wire import clean_text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""Control characters do not get to move the cursor."""

AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]
Confirmed = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before doing it.")]


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    NOT_DONE = 1
    USAGE = 2
    UNAVAILABLE = 3


def fail(problem: str, *, hint: str = "", code: ExitCode = ExitCode.NOT_DONE) -> NoReturn:
    """Say what was wrong and what to do, and stop with `code`."""
    err.print(f"[bold red]postern:[/] {_plain(problem)}")
    if hint:
        err.print(f"[dim]{_plain(hint)}[/]")
    raise typer.Exit(int(code))


def printable(text: str) -> Text:
    """Text that a sender may have written, safe for a terminal."""
    return Text(clean_text(text).translate(_CONTROLS))


def print_json(data: object) -> None:
    """One JSON document on standard output, for machines."""
    sys.stdout.write(json.dumps(data, ensure_ascii=True, indent=2) + "\n")


def print_json_line(data: object) -> None:
    """One JSON document on one line of standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=True, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
