"""What self_test does: sends the probes through the deployed filter, and tells of every defence that is dead."""

from __future__ import annotations

import hashlib
import io
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from postern.checks.dnsbl import DnsblPolicy
from postern.dnsbl.lookup import ListHealth, health_questions, judge_health
from postern.model import MessageReference, Site
from postern.ports import Resolver
from postern.self_test import Health, Outcome, Probe, judge, probes, transaction_of, worst
from postern.wire import to_json
from postern_aws import clients, metrics
from postern_aws.dns import SystemResolver
from postern_aws.filter_machine import MachineFilter
from postern_aws.message_store import S3MessageStore
from postern_aws.notices import Notice, SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.settings import SelfTestSettings

Json = Any

UNUSABLE_LISTS = (ListHealth.REFUSES_US, ListHealth.LISTS_EVERYTHING)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The self-test of one deployment; `resolver` asks the DNS lists whether they are healthy."""

    messages: S3MessageStore
    snapshots: S3SnapshotReader
    filter: MachineFilter
    notices: SnsNotices
    resolver: Resolver
    hostname: str

    @classmethod
    def of(cls, settings: SelfTestSettings) -> SelfTest:
        """The self-test that these settings describe."""
        snapshots = S3SnapshotReader(clients.s3(), settings.message_bucket)
        return cls(
            S3MessageStore(clients.s3(), settings.message_bucket),
            snapshots,
            MachineFilter(clients.state_machine(), settings.state_machine_arn, snapshots),
            SnsNotices(clients.sns(), settings.notice_topic_arn),
            SystemResolver(),
            settings.hostname,
        )

    def run(self) -> Json:
        """Every defence's health and every list's; a notice when something is dead. Raises `Unavailable`."""
        site = self.snapshots.current().site(self.hostname)
        now = datetime.now(UTC)
        outcomes = worst(tuple(one for probe in probes(site, now) for one in self._ask(probe, site, now)))
        lists = self._lists()
        dead = [one for one in outcomes if one.health is Health.DEAD]
        unusable = {name: health for name, health in lists.items() if health in UNUSABLE_LISTS}
        metrics.emit({metrics.DEFENCES_DEAD: len(dead) + len(unusable)})
        if dead or unusable:
            self._tell(dead, unusable)
        return {"outcomes": to_json(outcomes), "lists": to_json(lists)}

    def _ask(self, probe: Probe, site: Site, now: datetime) -> tuple[Outcome, ...]:
        transaction_id = f"self-test-{secrets.token_hex(8)}"
        message = self._stored(transaction_id, probe.raw)
        answer = self.filter.ask(transaction_of(probe, transaction_id, message, site, now))
        return judge(probe, answer.results)

    def _stored(self, transaction_id: str, raw: bytes) -> MessageReference:
        digest = hashlib.sha256(raw).hexdigest()
        return self.messages.put(transaction_id, io.BytesIO(raw), size=len(raw), sha256=digest)

    def _lists(self) -> dict[str, ListHealth]:
        """The health of every DNS list that policy asks (RFC 5782 §5)."""
        policy = self.snapshots.current().book.section("dnsbl", DnsblPolicy)
        found = {}
        for dns_list in policy.every_list():
            if dns_list.test_point:
                listed, unlisted = self.resolver.query_all(health_questions(dns_list))
                found[dns_list.name] = judge_health(listed, unlisted)
        return found

    def _tell(self, dead: list[Outcome], unusable: dict[str, ListHealth]) -> None:
        lines = [f"{one.check_id}: {one.reason}" for one in dead]
        lines += [f"DNS list {name}: {health.value}; its answers do not count" for name, health in unusable.items()]
        text = "These defences did not notice what they must notice:\n\n" + "\n".join(lines) + "\n"
        facts = {"dead": to_json(dead), "lists": to_json(unusable)}
        self.notices.tell(Notice("defence_dead", f"{len(lines)} defences are dead", text, facts))
