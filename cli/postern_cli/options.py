"""How a command gets the service it talks to: three options, and one place for what may go wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from postern.policy import PolicyError
from postern.ports import Unavailable
from postern_cli.console import ExitCode, fail
from postern_cli.service import Service, ServiceNotFound, Target, connect

P = ParamSpec("P")

_PANEL = "Which service"
_TARGET = {
    "stack": Annotated[
        str | None,
        typer.Option(envvar="POSTERN_STACK", rich_help_panel=_PANEL, help="A CloudFormation stack in AWS. [Postern]"),
    ],
    "region": Annotated[str | None, typer.Option(rich_help_panel=_PANEL, help="The AWS region of the stack.")],
    "local": Annotated[
        Path | None,
        typer.Option(
            envvar="POSTERN_LOCAL",
            rich_help_panel=_PANEL,
            help="Data directory of a local service. Without any of these, the service that runs in .postern is meant.",
        ),
    ],
}


def with_service(command: Callable[Concatenate[Service, P], None]) -> Callable[..., None]:
    """A command whose first parameter is the service it talks to.

    On the command line that parameter becomes `--stack`, `--region` and `--local`. What the service cannot do ends
    the command with its reason.
    """

    @wraps(command)
    def run(*args: Any, stack: str | None, region: str | None, local: Path | None, **rest: Any) -> None:
        try:
            command(connect(Target(stack, region, local)), *args, **rest)
        except ServiceNotFound as missing:
            fail(str(missing), hint=missing.hint, code=ExitCode.UNAVAILABLE)
        except Unavailable as trouble:
            fail(_reason(trouble), hint="Nothing is wrong with the command; try it again.", code=ExitCode.UNAVAILABLE)
        except PolicyError as wrong:
            fail(str(wrong), code=ExitCode.USAGE)

    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]
    target = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _TARGET.items()
    ]
    run.__signature__ = signature.replace(parameters=[*own, *target])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (*own, *target)} | {"return": None}
    return run


def _reason(trouble: BaseException) -> str:
    """What happened, with the cause that AWS gave."""
    cause = f": {trouble.__cause__}" if trouble.__cause__ else ""
    return f"{trouble}{cause}"
