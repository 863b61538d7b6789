"""Backscatter protection from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from postern.checks.backscatter import BackscatterPolicy
from postern.policy import read_section
from postern_aws import clients
from postern_aws.batv_keys import SecretKeyRing
from tests.embedded_aws import Installation
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")


def test_protecting_a_domain_makes_a_key_and_begins_the_wait(postern: CommandLine, aws: Installation) -> None:
    today = datetime.now(UTC)
    told = postern.json("backscatter", "protect", "Example.com", "--yes")
    assert told == {
        "domain": "example.com",
        "route": "direct",
        "signs": True,
        "signing since": f"{today:%Y-%m-%d}",
        "enforced from": f"{today + timedelta(days=7):%Y-%m-%d}",
    }
    assert SecretKeyRing(clients.secrets(), aws.batv_secret_arn).read().signing_key() is not None
    row = boto3.resource("dynamodb").Table("Policy").get_item(Key={"scope": "global", "section": "backscatter"})["Item"]
    section = read_section(BackscatterPolicy, {"domains": row["domains"]}, "backscatter")
    assert [one.domain for one in section.domains] == ["example.com"]


def test_protecting_again_changes_how_but_not_since_when(postern: CommandLine) -> None:
    since = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
    value = f'[{{"domain": "example.com", "signing_since": "{since}"}}]'
    postern("policy", "set", "backscatter.domains", value)
    told = postern.json("backscatter", "protect", "example.com", "--ses", "--no-sign", "--yes")
    assert (told["signing since"], told["route"], told["signs"]) == (since, "ses", False)


def test_keys_rotate_and_are_never_shown(postern: CommandLine, aws: Installation) -> None:
    postern("backscatter", "rotate")
    first, second = postern.json("backscatter", "rotate")
    assert (first["key"], first["state"]) == (1, "signs")
    assert second["state"].startswith("believed until")
    ring = SecretKeyRing(clients.secrets(), aws.batv_secret_arn).read()
    assert len({key.secret for key in ring.keys}) == 2
    shown = postern("backscatter", "show", "--json").stdout
    stored = clients.secrets().get_secret_value(SecretId=aws.batv_secret_arn)["SecretString"]
    assert not any(word in shown for word in stored.split('"') if len(word) > 40)


def test_a_person_is_asked_whether_all_mail_passes_here(postern: CommandLine) -> None:
    asked = postern("backscatter", "protect", "example.com", "--json", stdin="n\n", code=1)
    assert "Does all" not in asked.stdout
    assert "Does all outgoing mail of example.com pass here?" in asked.stderr
    assert postern.json("backscatter", "show")["domains"] == []
    assert "is protected" in postern("backscatter", "protect", "example.com", "--yes").stdout
    assert "policy set backscatter.mode" in postern("backscatter", "show").stderr


def test_a_domain_is_released(postern: CommandLine) -> None:
    postern("backscatter", "protect", "example.com", "--yes")
    postern("backscatter", "release", "example.com")
    assert postern.json("backscatter", "show")["domains"] == []
    assert "is not protected" in postern("backscatter", "release", "example.com", code=2).stderr
    assert "is no domain" in postern("backscatter", "protect", "example", "--yes", code=2).stderr
