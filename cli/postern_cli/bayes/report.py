"""What was learnt, in words and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from postern.bayes.examples import message_digest
from postern.bayes.learning import MIN_OF_EACH, LearntMessages, Totals
from postern.bayes.stores import About
from postern.bayes.training import SEED_WORTH
from postern.message import Message
from postern.model import CheckResult
from postern_cli.console import printable

HAM_COLOUR, SPAM_COLOUR = "green", "red"


def status_lines(
    name: str, about: About | None, waiting: Counter[str], held: Mapping[tuple[str, str], int]
) -> list[str]:
    """The state of learning."""
    lines = [f"Learning of {name}"]
    if about is None:
        lines.append("  nothing has been learnt yet; the seed model answers")
    else:
        lines.append(f"  in use     {about.version}, made {about.made_at:%Y-%m-%d %H:%M} UTC: {about.reason}")
        lines.append(f"  known      {about.hams} ham, {about.spams} spam")
        lines.append(f"  judged by  {_judged_by(about)}")
    told = ", ".join(f"{count} {label}" for label, count in sorted(waiting.items())) or "nothing"
    lines.append(f"  waiting    {told}")
    lines += [f"  held       {count} messages from {source}: {reason}" for (source, reason), count in held.items()]
    return lines


def _judged_by(about: About) -> str:
    if not Totals(about.hams, about.spams).enough:
        return f"the seed model, until there are {MIN_OF_EACH} of each"
    weight = 1 / (1 + about.messages / SEED_WORTH)
    return f"the site's own model, in which the seed weighs {weight:.0%}"


def snapshots_table(kept: Sequence[About], current: str) -> Table:
    """The snapshots; the one in use is marked."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column, justify in (("", "left"), ("version", "left"), ("ham", "right"), ("spam", "right"), ("why", "left")):
        table.add_column(column, justify=justify, no_wrap=column == "version")  # type: ignore[arg-type]
    for one in kept:
        mark = Text("*", style="green") if one.version == current else Text("")
        table.add_row(mark, one.version, str(one.hams), str(one.spams), printable(one.reason))
    return table


def explained(result: CheckResult[Any], known: LearntMessages, message: Message) -> dict[str, Any]:
    """What speaks for and against a message, as JSON data."""
    lesson = known.lesson(message_digest(message))
    return {
        "result": result.result.value,
        "reason": result.reason,
        "findings": [{"symbol": one.symbol, "detail": one.detail} for one in result.findings],
        **result.properties,
        "learnt": {
            "label": lesson.label.value,
            "source": lesson.source,
            "at": datetime.fromtimestamp(lesson.taught_at / 1000, UTC).isoformat(timespec="seconds"),
        }
        if lesson
        else None,
    }


def explanation(told: Mapping[str, Any]) -> Group:
    """The same for people."""
    lines = [printable(str(told["reason"]))]
    lines += [printable(f"{one['symbol']} {one['detail']}") for one in told["findings"]]
    if told["learnt"]:
        lesson = told["learnt"]
        lines.append(printable(f"It was learnt as {lesson['label']} from {lesson['source']} at {lesson['at']}."))
    else:
        lines.append(Text("It was not learnt.", style="dim"))
    return Group(*lines, Text(""), _clues(told["clues"]))


def _clues(clues: Sequence[Mapping[str, Any]]) -> Table:
    """The tokens that decided, strongest first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("token")
    table.add_column("spam", justify="right")
    table.add_column("seen in messages", justify="right")
    for clue in clues:
        colour = SPAM_COLOUR if clue["probability"] > 0.5 else HAM_COLOUR
        probability = Text(f"{clue['probability']:.1%}", style=colour)
        table.add_row(printable(clue["token"]), probability, f"{clue['messages']:g}")
    return table
