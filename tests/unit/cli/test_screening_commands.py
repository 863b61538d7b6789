"""Bans from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.session import screening, subjects
from postern.session.bans import BanKind
from postern.session.counters import MailProtocol
from postern.session.screening import Screener
from postern.session.screening_policy import ScreeningPolicy
from postern_aws import clients
from postern_aws.screening import DynamoScreening
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")

CLIENT = "203.0.113.9"


def table() -> DynamoScreening:
    return DynamoScreening(clients.dynamodb(), "Screening")


def ban_by_itself(at: datetime) -> None:
    report = screening.connections_report(CLIENT, MailProtocol.SMTP, 61)
    assert Screener(table()).record(report, at, ScreeningPolicy())


def test_a_ban_is_what_front_ends_read(postern: CommandLine) -> None:
    assert "until" in postern("screening", "ban", CLIENT, "--for", "12h", "--note", "guesses names").stdout
    (ban,) = table().bans((subjects.address(CLIENT),))
    assert (ban.kind, ban.note) == (BanKind.MANUAL, "guesses names")
    assert ban.until == ban.since + timedelta(hours=12)


@pytest.mark.parametrize("whom", ["203.0.113.77/24", "2001:db8:0:1::/64", "Ann@Example.com"])
def test_networks_and_accounts_can_be_banned_for_ever(postern: CommandLine, whom: str) -> None:
    assert "for ever" in postern("screening", "ban", whom).stdout
    (shown,) = postern.json("screening", "show")
    assert (shown["until"], shown["kind"], shown["in_force"]) == (None, "manual", True)


def test_what_screening_did_by_itself_is_shown(postern: CommandLine) -> None:
    ban_by_itself(datetime.now(UTC))
    told = postern("screening", "show").stdout
    assert "203.0.113.9" in told
    assert "too many connections (61 by SMTP)" in told
    one = postern.json("screening", "show", CLIENT)
    assert one["ban"]["reason"] == "connections"
    assert one["counters"][0]["counter"] == "connections#smtp"
    assert "taken" in postern("screening", "show", CLIENT).stdout


def test_a_ban_that_is_over_is_shown_on_demand(postern: CommandLine) -> None:
    ban_by_itself(datetime.now(UTC) - timedelta(hours=2))
    assert "Nobody is banned." in postern("screening", "show").stdout
    assert "(over)" in postern("screening", "show", "--all").stdout


def test_a_ban_is_lifted_once(postern: CommandLine) -> None:
    ban_by_itself(datetime.now(UTC))
    assert postern.json("screening", "lift", CLIENT) == {"subject": "ip:203.0.113.9", "lifted": True}
    assert "is not banned" in postern("screening", "lift", CLIENT, code=1).stderr
    assert "is not banned" in postern("screening", "show", CLIENT).stdout
    assert postern.json("screening", "show", "--all") == []


@pytest.mark.parametrize(
    ("arguments", "told", "code"),
    [
        (("ban", "10.0.0.1"), "private", 1),
        (("ban", "192.168.1.0/24"), "private", 1),
        (("ban", "203.0.113.0/16"), "screening.ban", 2),
        (("ban", "nobody"), "is no address", 2),
        (("ban", CLIENT, "--for", "a while"), "90m", 2),
        (("ban", CLIENT, "--for", "0h"), "90m", 2),
        (("show", "nobody"), "is no address", 2),
        (("lift", "nobody"), "is no address", 2),
    ],
)
def test_what_is_wrong_is_said_and_not_done(
    postern: CommandLine, arguments: tuple[str, ...], told: str, code: int
) -> None:
    assert told in postern("screening", *arguments, code=code).stderr
    assert postern.json("screening", "show", "--all") == []


def test_names_that_clients_made_up_do_not_reach_the_terminal(postern: CommandLine) -> None:
    postern("screening", "ban", "ann\x1b[2J@example.com")
    assert "\x1b" not in postern("screening", "show").stdout
