"""The option that names a directory of what was learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[
    Path | None,
    typer.Option(envvar="POSTERN_STATE", help="A directory that holds what was learnt, in place of the service."),
]
