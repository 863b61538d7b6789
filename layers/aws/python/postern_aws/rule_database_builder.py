"""Making the database of the rules in force: after they were published, so that publishing waits for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from postern.checks.rules import rule_book
from postern.ports import Unavailable
from postern.rules.engine import compile_rules
from postern.rules.plan import build_database
from postern.rules.rule_set import RuleSet
from postern.rules.scanner import ScannerError
from postern_aws import metrics
from postern_aws.rule_databases import S3RuleDatabases, this_scanner
from postern_aws.rule_sets import NOTHING_PUBLISHED, S3RuleSets
from postern_aws.runtime import logger


class Outcome(StrEnum):
    """What became of a database."""

    NOT_NEEDED = "nothing is stored"
    AT_HAND = "at hand"
    MADE = "made"
    OVERTAKEN = "overtaken by other rules"
    FAILED = "failed"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RuleDatabaseBuilder:
    """Makes what is missing. It must run on a processor of the kind that runs the checks."""

    store: S3RuleSets
    databases: S3RuleDatabases
    now: Callable[[], datetime] = _now

    def run(self) -> Outcome:
        """Have the set in force run by a database; what goes wrong is logged and counted, and changes no rule."""
        try:
            return self._build()
        except (Unavailable, ScannerError, MemoryError) as trouble:
            logger.error("The database of the rules could not be made", exc_info=trouble)
            metrics.emit({metrics.RULE_DATABASES_FAILED: 1})
            return Outcome.FAILED

    def _build(self) -> Outcome:
        current = (self.store.read() or NOTHING_PUBLISHED).rule_set
        self.databases.remove_others(current, self.now())
        if not current.files() or not this_scanner():
            return Outcome.NOT_NEEDED
        if self._is_at_hand(current):
            return Outcome.AT_HAND
        book = rule_book(current)
        octets = build_database(book)
        compile_rules(book, database=octets)
        made = self.databases.write(current.version, octets)
        attached = self.store.attach(current.version, made)
        return Outcome.MADE if attached.database == made else Outcome.OVERTAKEN

    def _is_at_hand(self, current: RuleSet) -> bool:
        """Whether the database can be used here, with the rules that come with Postern as they are now."""
        if current.database is None or current.database.scanner != this_scanner():
            return False
        try:
            compile_rules(rule_book(current), database=self.databases.read(current.version, current.database))
        except (Unavailable, ScannerError):
            return False
        return True
