"""The greylist from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.ports import GreylistTimes
from postern_aws import clients
from postern_aws.greylist import DynamoGreylist
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")

TIMES = GreylistTimes(timedelta(minutes=15), timedelta(days=10), timedelta(days=36))
ANN, BEN = "ann@example.com", "ben@example.com"


def table() -> DynamoGreylist:
    return DynamoGreylist(clients.dynamodb(), "Greylist")


def attempt(recipient: str, *, ago: timedelta, network: str = "192.0.2.0/24") -> None:
    at = datetime.now(UTC) - ago
    table().attempt(f"{network} bob@sender.example {recipient}", recipient, at, TIMES)


def test_who_waits_and_who_came_back_is_shown(postern: CommandLine) -> None:
    attempt(ANN, ago=timedelta(minutes=30))
    attempt(ANN, ago=timedelta(minutes=10))
    attempt(BEN, ago=timedelta(minutes=5))
    shown = {row["recipient"]: (row["state"], row["attempts"]) for row in postern.json("greylist", "show")}
    assert shown == {ANN: ("came back", 2), BEN: ("waiting", 1)}
    (line,) = postern.json("greylist", "show", "Ann@Example.com")
    assert line["triplet"] == "192.0.2.0/24 bob@sender.example ann@example.com"
    assert "came back" in postern("greylist", "show", ANN).stdout
    assert "knows nothing" in postern("greylist", "show", "eve@example.com").stdout


def test_a_window_opens_at_once_and_closes_by_itself(postern: CommandLine) -> None:
    told = postern.json("greylist", "open", "Ann@example.com", "--minutes", "10")
    until = datetime.fromisoformat(told["until"])
    assert timedelta(minutes=9) < until - datetime.now(UTC) <= timedelta(minutes=10)
    assert table().open_mailboxes([ANN], datetime.now(UTC)) == {ANN}
    assert table().open_mailboxes([ANN], until) == frozenset()
    assert [row["state"] for row in postern.json("greylist", "show", ANN)] == ["open"]
    assert "open" in postern("greylist", "show").stdout


def test_a_mailbox_is_forgotten(postern: CommandLine) -> None:
    for network in ("192.0.2.0/24", "203.0.113.0/24"):
        attempt(ANN, ago=timedelta(hours=1), network=network)
    attempt(BEN, ago=timedelta(hours=1))
    asked = postern("greylist", "clear", ANN, "--json", stdin="n\n", code=1)
    assert ("2 rows" in asked.stderr, "2 rows" in asked.stdout) == (True, False)
    assert postern.json("greylist", "clear", ANN, "--yes") == {"mailbox": ANN, "removed": 2}
    assert [row["recipient"] for row in postern.json("greylist", "show")] == [BEN]
    assert "knows nothing" in postern("greylist", "clear", ANN, code=1).stderr
    assert "forgot 1 rows" in postern("greylist", "clear", BEN, "--yes").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("open", "ann"), "no address"), (("open", ANN, "--minutes", "0"), "minutes"), (("show", "*@x"), "no domain")],
)
def test_what_cannot_be_is_refused(postern: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    assert told in postern("greylist", *arguments, code=2).stderr
