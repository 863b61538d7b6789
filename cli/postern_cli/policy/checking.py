"""What is wrong with stored policy, found before a message finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postern.model import Points
from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE, check_section
from postern.policy_compiler import Snapshot, StoredRows, compile_snapshot
from postern.sections import SpamFilterPolicy
from postern_cli.policy.effective import scopes_above
from postern_cli.service import Output, Service

THRESHOLDS = "spam_filter"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that should be mended: where it is, and what is wrong."""

    row: str
    text: str


def troubles_of_file(sections: object) -> list[Trouble]:
    """What is wrong with `{section: {setting: value}}`, meant for the global scope."""
    if not isinstance(sections, Mapping):
        raise PolicyError("expected {section: {setting: value}}")
    troubles = []
    for name, section in sections.items():
        try:
            check_section(GLOBAL_SCOPE, name, section if isinstance(section, Mapping) else {"": section})
        except PolicyError as wrong:
            troubles.append(Trouble(str(name), str(wrong)))
    return troubles


def troubles_of_tables(service: Service) -> list[Trouble]:
    """What is wrong with the rows of the tables of policy, domains and sender lists. Raises `Unavailable`."""
    rows = StoredRows(
        *(
            list(service.rows(table).every())
            for table in (Output.POLICY_TABLE, Output.DOMAINS_TABLE, Output.SENDER_LISTS_TABLE)
        )
    )
    compilation = compile_snapshot(rows, Snapshot())
    unusable = [Trouble(problem.row, problem.text) for problem in compilation.problems]
    return [*unusable, *contradictions(compilation.snapshot)]


def contradictions(snapshot: Snapshot) -> Iterator[Trouble]:
    """Settings that are right one by one, and make no sense together."""
    book = snapshot.book
    for scope in sorted({GLOBAL_SCOPE, *snapshot.scopes}):
        layers = [snapshot.scopes.get(one, {}).get(THRESHOLDS, {}) for one in scopes_above(scope)]
        merged = {name: value for layer in layers for name, value in layer.items()}
        settings = type(book)(scopes={GLOBAL_SCOPE: {THRESHOLDS: merged}}).section(THRESHOLDS, SpamFilterPolicy)
        if Points(0) < settings.refuse_at <= settings.spam_at:
            text = "refuse_at is not above spam_at: everything that is flagged is refused, and nothing reaches Junk"
            yield Trouble(f"{scope} {THRESHOLDS}", text)
