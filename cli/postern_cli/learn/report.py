"""What was learnt, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from postern.bayes.compaction import Outcome
from postern.bayes.learning import MIN_OF_EACH, Change
from postern_cli.console import err, out, print_json, printable


@dataclass(frozen=True, slots=True)
class Learning:
    """One run of `postern learn`: what it did, and how many messages were known before or no messages at all."""

    outcome: Outcome
    known: int
    passed_over: int


def tell(done: Learning, *, as_json: bool) -> None:
    """Write what came of it; what was refused goes to standard error."""
    if as_json:
        print_json(answer(done))
        return
    counted = answer(done)
    words = ("learnt", "relearnt", "forgotten", "unchanged", "passed_over")
    out.print(", ".join(f"{counted[word]} {word.replace('_', ' ')}" for word in words if counted[word]) or "Nothing.")
    for refusal in done.outcome.refusals:
        err.print(printable(f"Refused {refusal.messages} messages from {refusal.source}: {refusal.reason}."))
    if done.outcome.refusals:
        err.print("[dim]They are kept aside. If they are right: postern learn --force, or postern bayes accept.[/]")
    _tell_state(done)


def tell_sent(sent: int, skipped: int, passed_over: int, *, as_json: bool) -> None:
    """Write what was sent to the service, which learns it later."""
    if as_json:
        print_json({"sent": sent, "sent_before": skipped, "passed_over": passed_over})
        return
    out.print(f"{sent} messages were sent" + (f", {skipped} had been sent before" if skipped else "") + ".")
    if passed_over:
        out.print(f"{passed_over} files are no messages, or too large, and were passed over.")
    out.print("The service learns within minutes; postern bayes status tells what it knows.")


def _tell_state(done: Learning) -> None:
    totals = done.outcome.totals
    out.print(f"{totals.hams} ham and {totals.spams} spam are known.")
    if not totals.enough:
        out.print(f"The seed model answers until there are {MIN_OF_EACH} of each.")


def answer(done: Learning) -> dict[str, Any]:
    """The same as JSON data."""
    changes, about = done.outcome.changes, done.outcome.about
    return {
        "learnt": changes[Change.LEARNT],
        "relearnt": changes[Change.RELEARNT],
        "forgotten": changes[Change.UNLEARNT],
        "unchanged": done.known + changes[Change.UNCHANGED] + changes[Change.OUTRANKED] + changes[Change.UNKNOWN],
        "passed_over": done.passed_over,
        "expired": done.outcome.expired,
        "refused": [
            {"source": one.source, "messages": one.messages, "reason": one.reason} for one in done.outcome.refusals
        ],
        "ham": done.outcome.totals.hams,
        "spam": done.outcome.totals.spams,
        "version": about.version if about else None,
        "model": bool(about and about.has_model),
    }
