"""The rule files of an installed or downloaded SpamAssassin, and what SpamAssassin itself found with them."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDERS = (Path("/usr/share/spamassassin"), Path("build/spamassassin/usr/share/spamassassin"))
"""Where Debian's package lies, installed or taken apart by `dpkg -x`; the variable SPAMASSASSIN_RULES goes first."""


@dataclass(frozen=True, slots=True)
class OracleCase:
    """A message, and the names of all rules that SpamAssassin 4.0.1 found to hit; `eval_free` need no function."""

    message: bytes
    name: str
    hits: frozenset[str]
    eval_free: frozenset[str]
    visible: frozenset[str]


def rules_folder() -> Path | None:
    """The folder with the stock rules, or `None` when there is none."""
    named = os.environ.get("SPAMASSASSIN_RULES")
    folders = (Path(named), *FOLDERS) if named else FOLDERS
    return next((folder for folder in folders if (folder / "50_scores.cf").is_file()), None)


def rule_files(folder: Path) -> list[tuple[str, str]]:
    """The files in the order SpamAssassin reads them, octets that are no UTF-8 kept."""
    return [(path.name, path.read_text("utf-8", "surrogateescape")) for path in sorted(folder.glob("*.cf"))]


def oracle_cases(oracle: Path, corpus: Path, every: int = 1) -> Iterator[OracleCase]:
    """Every n-th message of the corpus with what the oracle says of it."""
    cases: list[dict[str, Any]] = json.loads(gzip.decompress(oracle.read_bytes()))["cases"][::every]
    with tarfile.open(corpus) as archive:
        for case in cases:
            member = archive.extractfile(case["message"])
            yield OracleCase(
                member.read() if member else b"",
                case["message"],
                frozenset(case["hits"]) | frozenset(case["subrules"]),
                frozenset(case["eval_free_hits"]) | frozenset(case["eval_free_subrules"]),
                frozenset(case["hits"]),
            )
