"""What compile_policy does: the rows of the policy tables to the snapshot that everything reads."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from postern.policy_compiler import Compilation, Problem, StoredRows, compile_snapshot
from postern.ports import Unavailable
from postern.wire import to_json
from postern_aws import clients, metrics
from postern_aws.items import scan
from postern_aws.notices import Notice, SnsNotices
from postern_aws.policy_snapshot import NOTHING_PUBLISHED, S3Snapshots, SnapshotChanged, new_problems, same
from postern_aws.settings import CompilePolicySettings

Json = Any

TRIES = 10
_LONGEST_PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class PolicyTables:
    """Reads the three tables that people edit."""

    policy: str
    domains: str
    sender_lists: str

    def rows(self) -> StoredRows:
        """All rows, read consistently. Raises `Unavailable` while they are gone through."""
        client = clients.dynamodb()
        return StoredRows(scan(client, self.policy), scan(client, self.domains), scan(client, self.sender_lists))


class CompileFunction:
    """Compiles on request; made once per process."""

    def __init__(self, settings: CompilePolicySettings) -> None:
        self._tables = PolicyTables(settings.policy_table, settings.domains_table, settings.sender_lists_table)
        self._snapshots = S3Snapshots(clients.s3(), settings.message_bucket)
        self._notices = SnsNotices(clients.sns(), settings.notice_topic_arn)

    def run(self) -> Json:
        """Publish what the tables say now: the version and every problem. Raises `Unavailable`.

        Two at once do no harm: the one that finds its basis replaced begins again, with the rows as they are then.
        """
        for _ in range(TRIES):
            try:
                found, fresh = self._compile()
            except SnapshotChanged:
                time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - lets the others finish
                continue
            self._tell(fresh, found)
            return {
                "version": found.snapshot.version,
                "problems": to_json(found.problems),
                "batchItemFailures": [],
            }
        raise Unavailable("policy changes faster than it can be compiled")

    def _compile(self) -> tuple[Compilation, tuple[Problem, ...]]:
        """What is published now, and the problems that are new."""
        before = self._snapshots.read() or NOTHING_PUBLISHED
        found = compile_snapshot(self._tables.rows(), before.compilation.snapshot)
        if not before.etag or not same(found, before.compilation):
            self._snapshots.publish(found, before)
        return found, new_problems(found, before.compilation)

    def _tell(self, fresh: tuple[Problem, ...], found: Compilation) -> None:
        """Tell the postmaster once of each problem."""
        if not fresh:
            return
        metrics.emit({metrics.POLICY_PROBLEMS: len(fresh)}, version=found.snapshot.version)
        lines = "\n".join(f"{problem.row}\n    {problem.text}" for problem in fresh)
        text = f"These rows cannot be used; what they said before stays in force.\n\n{lines}\n"
        facts = {"version": found.snapshot.version, "problems": to_json(fresh)}
        self._notices.tell(Notice("policy_problem", f"{len(fresh)} policy rows cannot be used", text, facts))
