"""The IP shield from the command line."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from postern.checks.ip_shield import PRIVATE_NETWORKS, IpShieldPolicy
from postern.policy import read_section
from postern.wire import to_json
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")


def entries(postern: CommandLine) -> dict[str, Any]:
    return {one["domain"]: (one["networks"], one["enforce"]) for one in postern.json("shield", "show")}


def test_the_default_shield_of_our_own_domains_is_kept_when_another_is_added(postern: CommandLine) -> None:
    postern("shield", "add", "Partner.Example", "198.51.100.7/24", "2001:db8::1")
    assert entries(postern) == {
        "@local": (list(PRIVATE_NETWORKS), False),
        "partner.example": (["198.51.100.0/24", "2001:db8::1"], False),
    }


def test_what_is_written_is_what_the_check_reads(postern: CommandLine) -> None:
    postern("shield", "add", "*.partner.example", "198.51.100.0/24", "--enforce")
    row = boto3.resource("dynamodb").Table("Policy").get_item(Key={"scope": "global", "section": "ip_shield"})["Item"]
    section = read_section(IpShieldPolicy, {"entries": to_json(row["entries"])}, "ip_shield")
    assert [(one.domain, one.enforce) for one in section.entries] == [("@local", False), ("*.partner.example", True)]


def test_networks_are_added_to_a_domain_and_taken_away_again(postern: CommandLine) -> None:
    postern("shield", "add", "partner.example", "198.51.100.0/24", "--enforce")
    postern("shield", "add", "partner.example", "192.0.2.1", "198.51.100.0/24")
    assert entries(postern)["partner.example"] == (["198.51.100.0/24", "192.0.2.1"], True)
    postern("shield", "remove", "partner.example", "198.51.100.0/24")
    assert entries(postern)["partner.example"] == (["192.0.2.1"], True)
    assert "refused" in postern("shield", "show").stdout
    assert "any more" in postern("shield", "remove", "partner.example").stdout
    assert list(entries(postern)) == ["@local"]


def test_the_last_shield_can_be_lifted(postern: CommandLine) -> None:
    assert postern.json("shield", "remove", "@local") == {"domain": "@local", "removed": True}
    assert postern("shield", "show").stdout.strip() == "No domain is shielded."


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "partner", "192.0.2.1"), "a shielded domain is"),
        (("add", "partner.example", "192.0.2.300"), "neither an address nor a network"),
        (("add", "partner.example"), "Missing argument"),
        (("remove", "partner.example"), "is not shielded"),
        (("remove", "@local", "192.0.2.1"), "is not shielded for 192.0.2.1"),
        (("remove", "@local", *PRIVATE_NETWORKS), "to lift the shield"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    postern: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    before = entries(postern)
    assert told in postern("shield", *arguments, code=2).stderr
    assert entries(postern) == before


def test_policy_refuses_a_network_that_is_none(postern: CommandLine) -> None:
    value = '[{"domain": "example.com", "networks": ["192.0.2.0/33"]}]'
    assert "neither an address nor a network" in postern("policy", "set", "ip_shield.entries", value, code=2).stderr
