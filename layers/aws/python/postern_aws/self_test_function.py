"""What self_test does: sends the probes through the deployed filter, and tells of every defence that is dead."""

from __future__ import annotations

import hashlib
import io
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from postern.checks.backscatter import BackscatterPolicy
from postern.model import MessageReference, Site
from postern.self_test import Health, Outcome, Probe, judge, probes, transaction_of, worst
from postern.wire import to_json
from postern_aws import clients, metrics
from postern_aws.dns import SystemResolver
from postern_aws.dns_list_watch import DnsListWatch
from postern_aws.filter_machine import MachineFilter
from postern_aws.message_store import S3MessageStore
from postern_aws.notices import Notice, SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.settings import SelfTestSettings
from postern_aws.switched_lists import SwitchedListsRow

Json = Any


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The self-test of one deployment; `dns_lists` looks after the DNS lists."""

    messages: S3MessageStore
    snapshots: S3SnapshotReader
    filter: MachineFilter
    notices: SnsNotices
    dns_lists: DnsListWatch
    hostname: str

    @classmethod
    def of(cls, settings: SelfTestSettings) -> SelfTest:
        """The self-test that these settings describe."""
        snapshots = S3SnapshotReader(clients.s3(), settings.message_bucket)
        notices = SnsNotices(clients.sns(), settings.notice_topic_arn)
        return cls(
            S3MessageStore(clients.s3(), settings.message_bucket),
            snapshots,
            MachineFilter(clients.state_machine(), settings.state_machine_arn, snapshots),
            notices,
            DnsListWatch(SystemResolver(), SwitchedListsRow(clients.dynamodb(), settings.policy_table), notices),
            settings.hostname,
        )

    def run(self) -> Json:
        """Every defence's health and every list's; a notice when something is dead. Raises `Unavailable`."""
        snapshot = self.snapshots.current()
        site = snapshot.site(self.hostname)
        now = datetime.now(UTC)
        protected = snapshot.book.section("backscatter", BackscatterPolicy).domains
        sent = probes(site, now, tuple(one.domain for one in protected))
        outcomes = worst(tuple(one for probe in sent for one in self._ask(probe, site, now)))
        dead = [one for one in outcomes if one.health is Health.DEAD]
        metrics.emit({metrics.DEFENCES_DEAD: len(dead)})
        if dead:
            self._tell(dead)
        lists = self.dns_lists.run(snapshot.book, now)
        return {"outcomes": to_json(outcomes), **lists}

    def _ask(self, probe: Probe, site: Site, now: datetime) -> tuple[Outcome, ...]:
        transaction_id = f"self-test-{secrets.token_hex(8)}"
        message = self._stored(transaction_id, probe.raw)
        answer = self.filter.ask(transaction_of(probe, transaction_id, message, site, now))
        return judge(probe, answer.results)

    def _stored(self, transaction_id: str, raw: bytes) -> MessageReference:
        digest = hashlib.sha256(raw).hexdigest()
        return self.messages.put(transaction_id, io.BytesIO(raw), size=len(raw), sha256=digest)

    def _tell(self, dead: list[Outcome]) -> None:
        lines = "\n".join(f"{one.check_id}: {one.reason}" for one in dead)
        text = f"These defences did not notice what they must notice:\n\n{lines}\n"
        self.notices.tell(Notice("defence_dead", f"{len(dead)} defences are dead", text, {"dead": to_json(dead)}))
