"""The deployed service as `bench.cost_run` sets it up: its rows, and the policy under which a fate comes about."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import boto3

from bench.aws_meter import Meter, item_octets
from bench.cost_besides import account_row, sending_policy
from postern import catalog
from postern_cli.cost.units import Fate
from postern_cli.rows import Rows

SENDER = "sender.example"
SETTLING_SECONDS = 60
QUIET_SECONDS = 3.0

EVERYTHING_RUNS: Mapping[str, Mapping[str, object]] = {
    **{check_id: {"mode": "score"} for check_id in catalog.CHECKS},
    "bayes": {"mode": "score", "auto_learn": False},
}
"""Every check is run, and none defers or refuses by itself: the score decides the fate. Learning is counted apart."""
ACCEPTING = {**EVERYTHING_RUNS, "spam_filter": {"refuse_at": 0}}
POLICIES: Mapping[Fate, Mapping[str, Any]] = {
    Fate.ACCEPTED: ACCEPTING,
    Fate.REFUSED: {**EVERYTHING_RUNS, "spf": {"mode": "score", "scores": {"SPF_PASS": 500}}},
    Fate.REFUSED_EARLY: {**ACCEPTING, "sender_lists": {"mode": "enforce"}},
    Fate.GREYLISTED: {**ACCEPTING, "greylisting": {"mode": "enforce", "applies_to": "all", "delay_minutes": 1440}},
}


class Site:
    """The deployed tables, and the policy under which a fate comes about."""

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self.outputs = outputs
        self._client = boto3.client("dynamodb")
        self.rows("DomainsTable").put({"domain": "example.com"})
        self.rows("AccountsTable").put(dict(account_row()))
        # So that the lists are looked up for every message: functions remember for a minute which lists there are.
        self.rows("SenderListsTable").put({"scope": "global", "entry": "refuse#*@nobody.example"})

    def rows(self, output: str) -> Rows:
        """A table by the name of its output."""
        return Rows(self._client, self.outputs[output])

    def prepare(self, fate: Fate, meter: Meter) -> None:
        """Bring about what makes mail meet a fate."""
        before = sum(meter.invocations.values())
        self._write(POLICIES[fate])
        entry = {"scope": "global", "entry": f"refuse#*@{SENDER}"}
        lists = self.rows("SenderListsTable")
        if fate is Fate.REFUSED_EARLY:
            lists.put(entry)
        else:
            lists.delete(entry)
        wait_until_quiet(meter, after=before)

    def prepare_sending(self, remote_port: int, meter: Meter) -> None:
        """Let people send."""
        before = sum(meter.invocations.values())
        self._write({**ACCEPTING, **sending_policy(remote_port)})
        wait_until_quiet(meter, after=before)

    def _write(self, policy: Mapping[str, Mapping[str, object]]) -> None:
        self._empty("PolicyTable", ("scope", "section"))
        for section, stored in policy.items():
            self.rows("PolicyTable").put({**stored, "scope": "global", "section": section})

    def kept(self, messages: int) -> dict[str, float]:
        """The octets of the rows that age, per message."""
        found = {}
        for output, name in (("ReceiptsTable", "receipts"), ("OutboxTable", "outbox")):
            items = self._client.scan(TableName=self.outputs[output])["Items"]
            found[name] = sum(map(item_octets, items)) / messages
        return found

    def forget(self) -> None:
        """Empty the tables that fill."""
        self._empty("ReceiptsTable", ("transaction_id",))
        self._empty("OutboxTable", ("id", "part"))

    def _empty(self, output: str, keys: tuple[str, ...]) -> None:
        rows = self.rows(output)
        for row in list(rows.every()):
            rows.delete({name: row[name] for name in keys})


def wait_until_quiet(meter: Meter, *, after: int = 0) -> None:
    """Until functions were invoked more than `after` times, and the streams have nothing more to do."""
    until = time.monotonic() + SETTLING_SECONDS
    seen = -1
    while time.monotonic() < until and (seen <= after or seen != sum(meter.invocations.values())):
        seen = sum(meter.invocations.values())
        time.sleep(QUIET_SECONDS)
