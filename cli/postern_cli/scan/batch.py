"""Many cases in one process: one line of JSON in, one line of JSON out, in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.progress import Progress

from postern.given_effects import GivenStores
from postern.policy_book import PolicyBook
from postern.ports import Resolver
from postern.wire import to_json
from postern_cli.console import err
from postern_cli.scan.answer import answer
from postern_cli.scan.case import parse_json, read_case
from postern_cli.scan.case_error import CaseError
from postern_cli.scan.judging import judge_case
from postern_cli.scan.report import Troubles

STANDARD_INPUT = "-"


def answers(path: Path, resolver: Resolver, site: GivenStores) -> Iterator[dict[str, Any]]:
    """The answer to each case in a file; cases without a zone ask `resolver`.

    What was learnt and the rules are those of the `site`, everything else comes with the case. Raises `OSError`.
    """
    troubles = Troubles()
    try:
        with _lines(path) as lines:
            yield from (answer_line(line, resolver, site, troubles) for line in lines)
    finally:
        troubles.print_repeated()


def answer_line(line: str, resolver: Resolver, site: GivenStores, troubles: Troubles) -> dict[str, Any]:
    """The answer to one case; a malformed case has an `error` instead, and the others are answered all the same."""
    try:
        case = read_case(line)
        stores = replace(case.stores, site_model=site.site_model, rules=site.rules)
        verdict = judge_case(replace(case, stores=stores), PolicyBook(), resolver)
        told = answer(verdict)
    except CaseError as wrong:
        return {"id": _id_of(line), "error": str(wrong)}
    except Exception as trouble:  # noqa: BLE001 - the one place where a case's unforeseen trouble does not end the batch
        err.print_exception()
        return {"id": _id_of(line), "error": f"could not be judged: {type(trouble).__name__}"}
    troubles.add(verdict)
    return told


def _id_of(line: str) -> object:
    """The id of a case that cannot be judged, if it says as much as that."""
    try:
        data = parse_json(line)
    except CaseError:
        return None
    return to_json(data.get("id")) if isinstance(data, dict) else None


@contextmanager
def _lines(path: Path) -> Iterator[Iterable[str]]:
    """The lines that hold something, with a progress bar for a person who watches a file being worked through."""
    if str(path) == STANDARD_INPUT:
        yield _filled(sys.stdin.buffer, lambda octets: None)
        return
    with path.open("rb") as file, Progress(console=err, transient=True, disable=not _is_watched()) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size)
        yield _filled(file, lambda octets: progress.advance(task, octets))


def _is_watched() -> bool:
    """Whether a person sees standard error, and standard output goes elsewhere."""
    return err.is_terminal and not sys.stdout.isatty()


def _filled(lines: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[str]:
    for line in lines:
        if line.strip():
            yield line.decode("utf-8", "surrogateescape")
        advance(len(line))
