"""The part of the self-test that looks after the DNS lists: what is unusable only observes until it is well again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postern.checks.dnsbl import DnsblPolicy
from postern.checks.uribl import UriblPolicy
from postern.dns import Question
from postern.dnsbl.lists import DnsList
from postern.dnsbl.lookup import ListHealth, health_questions, judge_health
from postern.dnsbl.name_lookup import name_health_questions
from postern.dnsbl.switching import UNUSABLE, SwitchedList, Switching, switch
from postern.policy_book import PolicyBook
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

    def run(self, book: PolicyBook, now: datetime) -> Json:
        """Every list's health, and the lists that only observe from now on. Raises `Unavailable`."""
        addresses, names = book.section("dnsbl", DnsblPolicy), book.section("uribl", UriblPolicy)
        health = {
            **{("dnsbl", one.name): self._health(one, health_questions(one)) for one in addresses.every_list()},
            **{("uribl", one.name): self._health(one, name_health_questions(one)) for one in names.every_list()},
        }
        always = [("dnsbl", name) for name in addresses.always_counted]
        always += [("uribl", name) for name in names.always_counted]
        before = self.row.read()
        switching = switch(before.switched, health, always, now)
        if switching.switched != before.switched and self.row.replace(before, switching.switched):
            self._tell(switching)
        metrics.emit({metrics.DNS_LISTS_UNUSABLE: sum(state in UNUSABLE for state in health.values())})
        told = [{"section": section, "name": name, "health": state.value} for (section, name), state in health.items()]
        return {"lists": told, "switched": to_json(switching.switched)}

    def _health(self, dns_list: DnsList, questions: tuple[Question, Question]) -> ListHealth:
        """The health of a list by its test points (RFC 5782 §5); one that has none is taken to be well."""
        if not dns_list.test_point:
            return ListHealth.HEALTHY
        listed, unlisted = self.resolver.query_all(questions)
        return judge_health(listed, unlisted, dns_list.refusal_codes())

    def _tell(self, switching: Switching) -> None:
        if switching.fresh:
            told = "These DNS lists are only observed from now on; what they answer does not count any more."
            self.notices.tell(_notice("dns_list_switched", "only observed", told, switching.fresh))
        if switching.recovered:
            told = "These DNS lists answer as they must again, and count again."
            self.notices.tell(_notice("dns_list_recovered", "counted again", told, switching.recovered))


def _notice(event: str, state: str, told: str, lists: tuple[SwitchedList, ...]) -> Notice:
    lines = "\n".join(f"{one.section} {one.name}: {one.reason} (since {one.since})" for one in lists)
    names = ", ".join(one.name for one in lists)
    return Notice(event, f"DNS list {names} {state}", f"{told}\n\n{lines}\n", {"lists": to_json(lists)})
