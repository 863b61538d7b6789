"""The part of the self-test that looks after the DNS lists: what is unusable only observes until it is well again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postern.checks.dnsbl import DnsblPolicy
from postern.dnsbl.lookup import ListHealth, health_questions, judge_health
from postern.dnsbl.switching import UNUSABLE, SwitchedList, Switching, switch
from postern.ports import Resolver
from postern.wire import to_json
from postern_aws import metrics
from postern_aws.notices import Notice, SnsNotices
from postern_aws.switched_lists import SwitchedListsRow

Json = Any


@dataclass(frozen=True, slots=True)
class DnsListWatch:
    """Asks each list for its test points, switches it accordingly, and tells of every switch once."""

    resolver: Resolver
    row: SwitchedListsRow
    notices: SnsNotices

    def run(self, policy: DnsblPolicy, now: datetime) -> Json:
        """Every list's health by name, and the lists that only observe from now on. Raises `Unavailable`."""
        health = self._health(policy)
        before = self.row.read()
        switching = switch(before.switched, health, policy.always_counted, now)
        if switching.switched != before.switched and self.row.replace(before, switching.switched):
            self._tell(switching)
        metrics.emit({metrics.DNS_LISTS_UNUSABLE: sum(state in UNUSABLE for state in health.values())})
        return {"lists": to_json(health), "switched": to_json(switching.switched)}

    def _health(self, policy: DnsblPolicy) -> Mapping[str, ListHealth]:
        """The health of every DNS list that policy asks and that has test points (RFC 5782 §5)."""
        found = {}
        for dns_list in policy.every_list():
            if dns_list.test_point:
                listed, unlisted = self.resolver.query_all(health_questions(dns_list))
                found[dns_list.name] = judge_health(listed, unlisted, dns_list.refusal_codes())
        return found

    def _tell(self, switching: Switching) -> None:
        if switching.fresh:
            told = "These DNS lists are only observed from now on; what they answer does not count any more."
            self.notices.tell(_notice("dns_list_switched", "only observed", told, switching.fresh))
        if switching.recovered:
            told = "These DNS lists answer as they must again, and count again."
            self.notices.tell(_notice("dns_list_recovered", "counted again", told, switching.recovered))


def _notice(event: str, state: str, told: str, lists: tuple[SwitchedList, ...]) -> Notice:
    lines = "\n".join(f"{one.name}: {one.reason} (since {one.since})" for one in lists)
    names = ", ".join(one.name for one in lists)
    return Notice(event, f"DNS list {names} {state}", f"{told}\n\n{lines}\n", {"lists": to_json(lists)})
