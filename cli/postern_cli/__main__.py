"""`python -m postern_cli` is the `postern` command."""

from __future__ import annotations

from postern_cli.main import main

main()
