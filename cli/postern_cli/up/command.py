"""The command line of `postern up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postern.workflow import Packing
from postern_cli.console import ExitCode, fail
from postern_local.front_end_process import StartError
from postern_local.service_file import AlreadyRunning
from postern_local.synthesis import SynthesisError

app = typer.Typer(add_completion=False)


@app.command()
def up(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    data: Annotated[Path, typer.Option(help="Directory that keeps mail, policy and logs.")] = Path(".postern"),
    zone: Annotated[
        Path | None, typer.Option(help="Answer DNS questions from this zone file (JSON). [that of the samples]")
    ] = None,
    dns: Annotated[bool, typer.Option("--dns", help="Ask the system's DNS servers instead of a zone file.")] = False,
    samples: Annotated[bool, typer.Option("--samples/--no-samples", help="Send the sample messages first.")] = True,
    once: Annotated[bool, typer.Option("--once", help="Stop after the samples instead of staying up.")] = False,
    smtp_port: Annotated[int, typer.Option(min=0, max=65535, help="Port for SMTP; 0 for any that is free.")] = 2525,
    proxy_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for SMTP with a PROXY header, to try other client addresses.")
    ] = 2526,
    submission_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for submission with STARTTLS, as 587.")
    ] = 2587,
    submissions_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for submission under TLS from the start, as 465.")
    ] = 2465,
    packing: Annotated[Packing, typer.Option(help="One Lambda per check, or one per stage.")] = Packing.CHECK,
) -> None:
    """Run the whole service on this machine, on an embedded AWS: no account, no Docker.

    The template that would be deployed is deployed here, the same state machine and functions run. Sample messages
    come in by SMTP; a table says what became of each and why. Ctrl-C stops; mail and policy are kept in --data, and
    survive even `kill -9`. While it runs, the other commands talk to it by themselves.

    Examples:

      postern up

      postern up --data /tmp/trial --dns --no-samples
    """
    if zone is not None and dns:
        fail("--zone and --dns exclude each other", code=ExitCode.USAGE)
    if zone is not None and not zone.is_file():
        fail(f"there is no zone file {zone}", code=ExitCode.USAGE)
    try:
        from postern_local.service import ZONE, LocalOptions  # noqa: PLC0415 - moto takes seconds, --help does not
        from postern_local.service import up as run  # noqa: PLC0415 - as above
    except ModuleNotFoundError as missing:
        fail(f"the embedded AWS is not installed ({missing.name})", hint="make setup", code=ExitCode.UNAVAILABLE)
    options = LocalOptions(
        directory=data,
        smtp_port=smtp_port,
        proxy_port=proxy_port,
        submission_port=submission_port,
        submissions_port=submissions_port,
        packing=packing,
        zone_file=None if dns else zone or ZONE,
        samples=samples,
        once=once,
    )
    try:
        code = run(options)
    except AlreadyRunning as running:
        fail(str(running), hint="Stop it first, or take another --data and other ports.", code=ExitCode.UNAVAILABLE)
    except (StartError, SynthesisError, OSError) as trouble:
        fail(str(trouble), hint=f"What happened is in {data / 'logs'}.", code=ExitCode.UNAVAILABLE)
    raise typer.Exit(code)
