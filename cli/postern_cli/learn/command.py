"""The command line of `postern learn`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from typer.core import TyperCommand

from postern.bayes.codec import SnapshotError
from postern.bayes.requests import Label
from postern.ports import Unavailable
from postern_cli.console import AsJson, ExitCode, err, fail
from postern_cli.learn.mail_files import MailFileError, expand, read_mail
from postern_cli.learn.options import State
from postern_cli.learn.report import Learning, tell, tell_sent
from postern_cli.learn.service_learning import ServiceLearning
from postern_cli.learn.state import LearntState
from postern_cli.learn.state_learning import Labelled, StateLearning
from postern_cli.options import with_service
from postern_cli.service import Service

app = typer.Typer(add_completion=False)

INTERRUPTED = 130
_LABELS = {"--spam": Label.SPAM, "--ham": Label.HAM, "--forget": Label.FORGOTTEN}


class ManyPaths(TyperCommand):
    """A command whose `--spam`, `--ham` and `--forget` take every path that follows, as a shell's `*` gives them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each path."""
        spelt: list[str] = []
        option = ""
        for word in args:
            if word.startswith("-") and len(word) > 1:
                option = word if word in _LABELS else ""
                spelt += [] if option else [word]
            else:
                spelt += [option, word] if option else [word]
        return super().parse_args(ctx, spelt)


def _paths(told: str) -> Any:
    return typer.Option(help=told, metavar="PATH…")


@dataclass
class Mail:
    """The messages that are given; `passed_over` counts what is none, or too large."""

    files: list[tuple[Label, Path]]
    passed_over: int = field(default=0)

    def __iter__(self) -> Iterator[Labelled]:
        for label, path in self.files:
            for one in read_mail(path):
                if one.raw is None:
                    self.passed_over += 1
                else:
                    yield Labelled(one.raw, label)


@app.command(cls=ManyPaths)
@with_service
def learn(
    service: Service,
    spam: Annotated[list[Path] | None, _paths("What is spam: files, mailboxes (mbox), directories.")] = None,
    ham: Annotated[list[Path] | None, _paths("What is not.")] = None,
    forget: Annotated[list[Path] | None, _paths("What is to be forgotten, however it was learnt.")] = None,
    state: State = None,
    force: Annotated[bool, typer.Option("--force", help="Learn also what looks like an attempt to mislead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from messages what is spam and what is not.

    Learning a message again changes nothing; learning it the other way forgets the first. A command that was
    interrupted goes on where it stopped when it is given again. The exit code is 1 when the guard refused something.

    Examples:

      postern learn --state learnt --spam Junk.mbox --ham Maildir/cur

      postern scan --state learnt mail.eml

      postern learn --spam spam/*.eml
    """
    given = {Label.SPAM: spam, Label.HAM: ham, Label.FORGOTTEN: forget}
    try:
        files = [(label, path) for label, paths in given.items() for path in expand(paths or ())]
    except MailFileError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    if not files:
        fail("give what is spam, what is ham, or both", hint="postern learn --help", code=ExitCode.USAGE)
    if state is None:
        _send_to(service, Mail(files), force=force, as_json=as_json)
        return
    try:
        done = _learn_into(LearntState(state), Mail(files), force=force)
    except MailFileError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    except (Unavailable, SnapshotError) as trouble:
        fail(f"{trouble}: {trouble.__cause__ or state}", code=ExitCode.UNAVAILABLE)
    tell(done, as_json=as_json)
    raise typer.Exit(int(ExitCode.NOT_DONE if done.outcome.refusals else ExitCode.DONE))


def _send_to(service: Service, mail: Mail, *, force: bool, as_json: bool) -> None:
    """Have the service learn; it answers when it has."""
    learning = ServiceLearning(service, force)
    try:
        for _ in _watched(learning.send(mail), mail.files):
            pass
    except KeyboardInterrupt:
        err.print("Interrupted. What was sent is learnt: give the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    except MailFileError as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    tell_sent(learning.sent, learning.skipped, mail.passed_over, as_json=as_json)


def _learn_into(state: LearntState, mail: Mail, *, force: bool) -> Learning:
    learning = StateLearning(state, force)
    with state.locked(lambda: err.print("Another process learns into this directory; waiting for it.")):
        try:
            for _ in _watched(learning.note(mail), mail.files):
                pass
        except KeyboardInterrupt:
            err.print("Interrupted. What was read is kept: give the same command again to go on.")
            raise typer.Exit(INTERRUPTED) from None
        with err.status("") as status:
            outcome = learning.finish(status.update)
    return Learning(outcome, sum(learning.known.values()), mail.passed_over)


def _watched(steps: Iterator[int], files: Sequence[object]) -> Iterator[int]:
    """The same steps, with a bar for a person who watches: of messages when each file is one, else a count."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("Reading", total=len(files))
        count = 0
        for step in steps:
            count += step
            progress.update(task, completed=count, total=max(count, len(files)))
            yield step
