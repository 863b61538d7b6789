"""What update_rules does: fetches the channel that policy names, and puts the operator's files in force as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from postern.ports import Resolver, Unavailable
from postern.rules.channel import ChannelError
from postern.rules.channel_policy import SECTION, RuleChannelPolicy
from postern.rules.rule_set import RuleSet, RuleSetError, StockSet
from postern_aws import clients, dns
from postern_aws.notices import Notice, SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.rule_channel import Fetch, RuleChannel, fetch
from postern_aws.rule_database_builder import RuleDatabaseBuilder
from postern_aws.rule_databases import S3RuleDatabases
from postern_aws.rule_sets import NOTHING_PUBLISHED, S3RuleSets, new_problems
from postern_aws.settings import UpdateRulesSettings

Json = Any

ONLY_UPDATE = "update"
ONLY_DATABASE = "database"


@dataclass(frozen=True, slots=True)
class UpdateRules:
    """The update of one deployment's rules."""

    snapshots: S3SnapshotReader
    store: S3RuleSets
    notices: SnsNotices
    resolver: Resolver
    builder: RuleDatabaseBuilder
    fetch: Fetch = fetch

    @classmethod
    def of(cls, settings: UpdateRulesSettings) -> UpdateRules:
        """The update that these settings describe."""
        store = S3RuleSets(clients.s3(), settings.message_bucket)
        return cls(
            S3SnapshotReader(clients.s3(), settings.message_bucket),
            store,
            SnsNotices(clients.sns(), settings.notice_topic_arn),
            dns.SystemResolver(deadline=None),
            RuleDatabaseBuilder(store, S3RuleDatabases(clients.s3(), settings.message_bucket)),
        )

    def answer(self, event: Json) -> Json:
        """The update, then the database of what is in force. `{"only": "update"}` and `{"only": "database"}` do one.

        Raises `Unavailable` when the rules can neither be read nor published; never because of the database.
        """
        only = event.get("only")
        told = {} if only == ONLY_DATABASE else self.run()
        return told if only == ONLY_UPDATE else {**told, "database": self.builder.run().value}

    def run(self) -> Json:
        """What is in force now, and what was in the way; the postmaster is told of new troubles. Raises `Unavailable`.

        Whatever is wrong with the channel, the rules that are in force stay so.
        """
        policy = self.snapshots.current().book.section(SECTION, RuleChannelPolicy)
        before = (self.store.read() or NOTHING_PUBLISHED).rule_set
        trouble, outcome, now = "", "no channel", None
        if policy.channel:
            try:
                outcome, now = self._update(policy, before)
            except (ChannelError, RuleSetError, Unavailable) as wrong:
                trouble, outcome = str(wrong), "failed"
        if now is None or now.trouble:
            now = self.store.republish(trouble)
        self._tell(now, before)
        return {
            "outcome": outcome,
            "trouble": trouble,
            "version": now.version,
            "stock": now.stock.label if now.stock else "",
            "rules": now.stock.rules if now.stock else 0,
            "files": [one.name for one in now.own],
            "problems": list(now.problems),
        }

    def _update(self, policy: RuleChannelPolicy, before: RuleSet) -> tuple[str, RuleSet | None]:
        """What was done, and what is in force now if that was changed."""
        channel = RuleChannel(policy.channel, self.resolver, self.fetch)
        version = channel.version()
        label = StockSet(channel.name, version, ()).label
        if label == before.refused:
            return "rolled back from", None
        if before.stock and before.stock.source == channel.name and int(version) <= int(before.stock.version):
            return "up to date", None
        keys = self.store.keys(policy.trusted())
        return "updated", self.store.install(channel.stock_set(version, keys, before.stock))

    def _tell(self, now: RuleSet, before: RuleSet) -> None:
        fresh = list(new_problems(now, before))
        if now.trouble and now.trouble != before.trouble:
            text = f"The rules that were in force stay so.\n\n{now.trouble}\n"
            self.notices.tell(Notice("rule_update", "the rules could not be updated", text, {"trouble": now.trouble}))
        if fresh:
            lines = "\n".join(fresh)
            text = f"These rules cannot be used; all others are in force.\n\n{lines}\n"
            self.notices.tell(Notice("rule_problem", f"{len(fresh)} rules cannot be used", text, {"problems": fresh}))
