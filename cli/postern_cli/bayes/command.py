"""The command line of `postern bayes`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from postern.bayes.archive import dump_lessons, load_lessons
from postern.bayes.codec import SnapshotError, load_model
from postern.bayes.lessons import Lesson
from postern.bayes.model import Model
from postern.bayes.seed import seed_model
from postern.bayes.stores import HeldLesson, SnapshotReplaced
from postern.checks.bayes import judge_by
from postern.message import parse_message
from postern.wire import to_json
from postern_cli.bayes.report import explained, explanation, snapshots_table, status_lines
from postern_cli.console import AsJson, Confirmed, ExitCode, err, fail, out, print_json, printable
from postern_cli.learn.options import State
from postern_cli.learn.place import Place, learnt, place
from postern_cli.learn.report import Learning, tell
from postern_cli.options import with_service
from postern_cli.scan.case import read_message
from postern_cli.scan.case_error import CaseError
from postern_cli.service import Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See what was learnt, and take it back.")

IMPORT_SOURCE = "import"
LATER = "The service makes a new snapshot of it now; postern bayes status tells when it is in use."
Source = Annotated[str | None, typer.Option(help="Only what this source taught.")]


@app.callback()
def bayes() -> None:
    """See what was learnt, and take it back."""


@contextmanager
def _told() -> Iterator[None]:
    """Damage and rivals, told to a person."""
    try:
        yield
    except SnapshotError as damage:
        fail(str(damage), hint="postern bayes rollback", code=ExitCode.UNAVAILABLE)
    except SnapshotReplaced:
        fail("another snapshot was made meanwhile", hint="Look at postern bayes snapshots, and try again.")


@app.command()
@with_service
def status(service: Service, state: State = None, as_json: AsJson = False) -> None:
    """Say what was learnt, what waits for the next snapshot, and what the guard holds."""
    where = place(service, state)
    current = where.snapshots.current()
    waiting, held = Counter(one.label.value for one in where.journal.waiting()), _held(where)
    told = {
        "in_use": to_json(current.about) if current else None,
        "model": bool(current and current.about.has_model),
        "waiting": dict(waiting),
        "held": [{"source": source, "reason": reason, "messages": count} for (source, reason), count in held.items()],
    }
    if as_json:
        print_json(told)
        return
    for line in status_lines(where.name, current.about if current else None, waiting, held):
        out.print(printable(line))


@app.command()
@with_service
def explain(
    service: Service,
    file: Annotated[Path, typer.Argument(help="A message file (RFC 5322).")],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Say what speaks for and against a message, token by token, and whether it was learnt.

    Examples:

      postern bayes explain mail.eml

      postern bayes explain --state learnt mail.eml
    """
    where = place(service, state)
    try:
        message = parse_message(read_message(file))
    except CaseError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    with _told():
        told = explained(judge_by(_model(where), message), learnt(where), message)
    if as_json:
        print_json(told)
    else:
        out.print(explanation(told))


@app.command()
@with_service
def snapshots(service: Service, state: State = None, as_json: AsJson = False) -> None:
    """List the snapshots that are kept, newest first."""
    where = place(service, state)
    current = where.snapshots.current()
    version = current.about.version if current else ""
    kept = where.snapshots.versions()
    if as_json:
        print_json([{**to_json(one), "in_use": one.version == version} for one in kept])
    elif kept:
        out.print(snapshots_table(kept, version))
    else:
        out.print("Nothing has been learnt yet.")


@app.command()
@with_service
def rollback(
    service: Service,
    version: Annotated[str, typer.Argument(help="A version, as listed by snapshots.")],
    state: State = None,
    drop_waiting: Annotated[
        bool, typer.Option("--drop-waiting", help="Forget also what waits for the next snapshot.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take an older snapshot into use: what was learnt after it is forgotten.

    The newer snapshots stay, so that the way back is open too. What waits is learnt on top, unless it is dropped.
    """
    where = place(service, state)
    with _told(), where.writing():
        about = where.snapshots.use(version)
        waiting = list(where.journal.waiting())
        if about is not None and drop_waiting:
            where.journal.settle(waiting)
    if about is None:
        fail(f"there is no snapshot {version}", hint="postern bayes snapshots")
    if as_json:
        print_json({"in_use": to_json(about), "waiting": 0 if drop_waiting else len(waiting)})
        return
    out.print(f"{version} is in use: {about.hams} ham, {about.spams} spam. Running functions notice within a minute.")
    if waiting:
        out.print(f"{len(waiting)} waiting messages {'are forgotten' if drop_waiting else 'are learnt next'}.")


@app.command()
@with_service
def export(
    service: Service,
    file: Annotated[Path, typer.Argument(help="Where to write what was learnt.")],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Write what was learnt to a file: digests, labels and hashed features, no text."""
    with _told():
        lessons = list(learnt(place(service, state)).every())
    try:
        file.write_bytes(dump_lessons(lessons))
    except OSError as trouble:
        fail(f"{file} cannot be written: {trouble.strerror}", code=ExitCode.USAGE)
    _say({"file": str(file), "messages": len(lessons)}, f"{len(lessons)} messages are in {file}.", as_json=as_json)


@app.command(name="import")
@with_service
def import_(
    service: Service,
    file: Annotated[Path, typer.Argument(help="What export wrote, here or elsewhere.")],
    state: State = None,
    force: Annotated[bool, typer.Option("--force", help="Learn also what looks like an attempt to mislead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn what an exported file holds, beside what is known; of two opinions the later one counts."""
    with _told():
        lessons = [replace(one, source=IMPORT_SOURCE, forced=force) for one in load_lessons(_octets(file))]
    _learn(place(service, state, new=True), lessons, as_json=as_json)


@app.command()
@with_service
def held(service: Service, state: State = None, as_json: AsJson = False) -> None:
    """List what the guard did not let through, by who taught it."""
    found = _held(place(service, state))
    if as_json:
        print_json([{"source": who, "reason": why, "messages": count} for (who, why), count in found.items()])
    for (who, why), count in () if as_json else found.items():
        out.print(printable(f"{count} messages from {who}: {why}"))
    if not found and not as_json:
        out.print("Nothing is held.")


@app.command()
@with_service
def accept(service: Service, source: Source = None, state: State = None, as_json: AsJson = False) -> None:
    """Learn what the guard holds."""
    where = place(service, state)
    chosen = [one.lesson for one in where.journal.held() if source in (None, one.lesson.source)]
    _learn(where, [replace(one, taught_at=one.taught_at + 1, forced=True) for one in chosen], as_json=as_json)


@app.command()
@with_service
def drop(
    service: Service, source: Source = None, state: State = None, *, yes: Confirmed = False, as_json: AsJson = False
) -> None:
    """Forget what the guard holds."""
    where = place(service, state)
    chosen = [one.lesson for one in where.journal.held() if source in (None, one.lesson.source)]
    if chosen and not yes:
        typer.confirm(f"Forget {len(chosen)} messages?", abort=True, err=True)
    with where.writing():
        where.journal.settle(chosen)
    _say({"dropped": len(chosen)}, f"{len(chosen)} messages are forgotten.", as_json=as_json)


def _learn(where: Place, lessons: list[Lesson], *, as_json: bool) -> None:
    """Note lessons and take them into the learnt set."""
    with _told(), where.writing(), err.status("Learning"):
        where.journal.note(lessons)
        outcome = where.take(len(lessons)) if lessons else None
    if outcome is None:
        _say({"noted": len(lessons)}, f"{len(lessons)} messages. {LATER if lessons else ''}".rstrip(), as_json=as_json)
        return
    tell(Learning(outcome, 0, 0), as_json=as_json)
    raise typer.Exit(int(ExitCode.NOT_DONE if outcome.refusals else ExitCode.DONE))


def _say(told: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        out.print(printable(text))


def _held(where: Place) -> dict[tuple[str, str], int]:
    def group(one: HeldLesson) -> tuple[str, str]:
        return one.lesson.source, one.reason

    return dict(Counter(map(group, where.journal.held())))


def _model(where: Place) -> Model:
    current = where.snapshots.current()
    if current is None or not current.about.has_model:
        return seed_model()
    return load_model(where.snapshots.model(current.about.version))


def _octets(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as trouble:
        fail(f"{file} cannot be read: {trouble.strerror}", code=ExitCode.USAGE)
