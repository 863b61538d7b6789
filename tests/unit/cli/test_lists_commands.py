"""Sender lists from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from postern.sender_list_entry import read_entry
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")


def test_an_entry_is_written_as_the_check_reads_it(postern: CommandLine) -> None:
    postern("lists", "add", "block", "*@Spam.Example", "--points", "50.5", "--note", "newsletter")
    entry = read_entry(boto3.resource("dynamodb").Table("SenderLists").scan()["Items"][0])
    assert (entry.scope, entry.key, entry.points, entry.note) == ("global", "block#*@spam.example", 5050, "newsletter")


def test_an_entry_can_end_by_itself(postern: CommandLine) -> None:
    postern("lists", "add", "refuse", "203.0.113.77/24", "--expires", "30d")
    (row,) = postern.json("lists", "show")
    assert row["entry"] == "refuse#203.0.113.0/24"
    in_days = datetime.fromtimestamp(row["expires_at"], UTC) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < in_days <= timedelta(days=30)


def test_an_allow_entry_can_waive_its_proof(postern: CommandLine) -> None:
    postern("lists", "add", "allow", "printer@example.net", "--no-proof", "--scope", "mailbox:ann@example.com")
    (row,) = postern.json("lists", "show", "--scope", "mailbox:ann@example.com")
    assert row["needs_proof"] is False
    assert "no proof needed" in postern("lists", "show").stdout


def test_an_entry_is_removed_once(postern: CommandLine) -> None:
    postern("lists", "add", "allow", "*.example.net")
    postern("lists", "remove", "allow", "*.EXAMPLE.net")
    assert postern.json("lists", "show") == []
    assert "there is no entry" in postern("lists", "remove", "allow", "*.example.net", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("block", "a*@example.com"), "before the @"),
        (("block", "192.0.2.0/25"), "prefix lengths"),
        (("block", "nonsense"), "a pattern is"),
        (("block", "*@example.com", "--expires", "soon"), "30d"),
        (("block", "*@example.com", "--scope", "nobody"), "is no scope"),
        (("ban", "*@example.com"), "ban"),
    ],
)
def test_what_is_wrong_is_said_and_not_written(postern: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    assert told in postern("lists", "add", *arguments, code=2).stderr
    assert postern.json("lists", "show") == []


def test_a_row_that_cannot_be_used_is_shown_as_such(postern: CommandLine) -> None:
    boto3.resource("dynamodb").Table("SenderLists").put_item(Item={"scope": "global", "entry": "eat#x@example.com"})
    assert "unusable" in postern("lists", "show").stdout
