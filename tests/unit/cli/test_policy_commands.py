"""Policy from the command line: what counts, where it comes from, and that nothing wrong is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from postern.catalog import CHECKS
from postern.sections import section_types
from tests.unit.cli.conftest import CommandLine

SPAM_AT, REFUSE_AT = "spam_filter.spam_at", "spam_filter.refuse_at"

aws = pytest.mark.usefixtures("aws")


def value(postern: CommandLine, key: str, *options: str) -> tuple[object, str]:
    shown = postern.json("policy", "show", key.partition(".")[0], *options)
    return next((one["value"], one["from"]) for one in shown if one["key"] == key)


def row(scope: str, section: str) -> Any:
    return boto3.resource("dynamodb").Table("Policy").get_item(Key={"scope": scope, "section": section}).get("Item", {})


def test_every_section_is_shown_with_defaults_and_meaning_without_any_service(postern: CommandLine) -> None:
    shown = postern.json("policy", "show", "--defaults")
    assert {one["key"].partition(".")[0] for one in shown} == set(section_types())
    assert all(one["doc"] and one["from"] == "default" and one["value"] == one["default"] for one in shown)


def test_points_are_shown_as_people_write_them(postern: CommandLine) -> None:
    assert value(postern, REFUSE_AT, "--defaults") == (12, "default")


@aws
def test_a_narrower_scope_wins_and_says_so(postern: CommandLine) -> None:
    postern("policy", "set", SPAM_AT, "6")
    postern("policy", "set", SPAM_AT, "7.5", "--scope", "domain:example.com")
    assert value(postern, SPAM_AT) == (6, "global")
    assert value(postern, SPAM_AT, "--scope", "mailbox:ann@example.com") == (7.5, "domain:example.com")
    assert value(postern, SPAM_AT, "--scope", "mailbox:ann@example.net") == (6, "global")


@aws
def test_a_setting_that_is_taken_away_leaves_the_wider_one(postern: CommandLine) -> None:
    postern("policy", "set", SPAM_AT, "6", "--scope", "domain:example.com")
    postern("policy", "unset", SPAM_AT, "--scope", "domain:example.com")
    assert value(postern, SPAM_AT, "--scope", "domain:example.com") == (5, "default")


@aws
@pytest.mark.parametrize(
    ("key", "text", "stored"),
    [
        ("site.trusted_networks", "192.0.2.0/24, 2001:db8::/32", ["192.0.2.0/24", "2001:db8::/32"]),
        ("site.trusted_networks", '["192.0.2.0/24"]', ["192.0.2.0/24"]),
        ("spam_filter.report", "off", False),
        ("dmarc.mode", "observe", "observe"),
        ("spf.scores", '{"SPF_FAIL": 2}', {"SPF_FAIL": 2}),
        ("spam_filter.subject_tag", "5", "5"),
    ],
)
def test_each_kind_of_value_is_read_as_it_is_meant(postern: CommandLine, key: str, text: str, stored: object) -> None:
    postern("policy", "set", key, text)
    assert value(postern, key) == (stored, "global")


@aws
def test_one_symbol_is_set_and_the_others_stay(postern: CommandLine) -> None:
    postern("policy", "set", "spf.scores.SPF_FAIL", "4.5")
    postern("policy", "set", "spf.scores.SPF_SOFTFAIL", "1")
    postern("policy", "unset", "spf.scores.SPF_FAIL")
    assert value(postern, "spf.scores") == ({"SPF_SOFTFAIL": 1}, "global")


@aws
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("spam_filter.refuse", "5"), "did you mean 'refuse_at'"),
        (("spamfilter.refuse_at", "5"), "did you mean 'spam_filter'"),
        (("spam_filter", "5"), "names a section"),
        ((REFUSE_AT, "-1"), "at least 0"),
        ((REFUSE_AT, "many"), "points such as"),
        (("spam_filter.flagged", "eat"), "junk, quarantine, reject"),
        (("site.authserv_id", "x", "--scope", "domain:example.com"), "cannot be set per domain"),
        ((REFUSE_AT, "5", "--scope", "everywhere"), "is no scope"),
        (("spam_filter.report.x", "5"), "is no map"),
        (("spf.scores", "{"), "JSON object"),
        (("dnsbl.shipped", "nobody"), "there is no list"),
    ],
)
def test_what_is_wrong_is_said_and_not_written(postern: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    result = postern("policy", "set", *arguments, code=2)
    assert told in result.stderr
    assert boto3.client("dynamodb").scan(TableName="Policy")["Count"] == 0


@aws
def test_a_row_that_people_wrote_keeps_its_note(postern: CommandLine) -> None:
    table = boto3.resource("dynamodb").Table("Policy")
    table.put_item(Item={"scope": "global", "section": "spam_filter", "note": "agreed in May", "report": False})
    postern("policy", "set", SPAM_AT, "6")
    assert row("global", "spam_filter")["note"] == "agreed in May"


@aws
def test_the_check_names_every_row_that_cannot_be_used(postern: CommandLine) -> None:
    assert postern.json("policy", "check") == []
    database = boto3.resource("dynamodb")
    database.Table("Policy").put_item(Item={"scope": "global", "section": "spf", "mode": "sometimes"})
    database.Table("Domains").put_item(Item={"domain": "EXAMPLE.com"})
    database.Table("SenderLists").put_item(Item={"scope": "global", "entry": "*@spam.example"})
    found = postern.json("policy", "check", code=1)
    assert [one["row"].split()[0] for one in found] == ["Policy", "Domains", "SenderLists"]


@aws
def test_thresholds_that_make_no_sense_together_are_found(postern: CommandLine) -> None:
    postern("policy", "set", SPAM_AT, "6")
    postern("policy", "set", REFUSE_AT, "6", "--scope", "mailbox:ann@example.com")
    assert [one["row"] for one in postern.json("policy", "check", code=1)] == ["mailbox:ann@example.com spam_filter"]


def test_a_file_is_checked_without_any_service(postern: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"dmarc": {"mode": "enforce"}}))
    assert "Nothing is wrong" in postern("policy", "check", str(file)).stdout
    file.write_text(json.dumps({"dmarc": {"mode": "maybe"}, "nothing": {}}))
    assert "maybe" in postern("policy", "check", str(file), code=1).stdout


def test_the_reference_page_is_what_the_sections_declare(postern: CommandLine) -> None:
    page = Path(__file__).parents[3] / "docs" / "policy.md"
    told = postern("policy", "reference").stdout
    assert all(f"### `{check_id}`" in told for check_id in CHECKS)
    assert page.read_text(encoding="utf-8") == told, "write it anew: postern policy reference > docs/policy.md"


@aws
def test_people_see_what_differs(postern: CommandLine) -> None:
    assert "differs from the defaults" in postern("policy", "show", "--changed").stdout
    postern("policy", "set", SPAM_AT, "6")
    assert "spam_at" in postern("policy", "show", "--changed").stdout
