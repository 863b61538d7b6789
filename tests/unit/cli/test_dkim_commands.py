"""DKIM keys from the command line: made waiting, signing once their record is seen, retired last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from postern_aws import clients
from postern_aws.dkim_keys import DkimSecrets, SecretSigningKeys
from postern_cli.scan.case import read_zone
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")

DOMAIN = "example.com"


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """An empty zone."""
    path = tmp_path / "zone.json"
    path.write_text("{}")
    return path


def publish(zone: Path, *made: Any) -> None:
    records = json.loads(zone.read_text())
    records |= {one["record"]["name"]: {"TXT": ["".join(one["record"]["strings"])]} for one in made}
    zone.write_text(json.dumps(records))
    read_zone.cache_clear()  # every command is a process of its own


def signing_selectors() -> list[str]:
    return [key.selector for key in SecretSigningKeys(DkimSecrets(clients.secrets())).keys(DOMAIN)]


def test_a_new_key_waits_until_its_record_is_seen(postern: CommandLine, zone: Path) -> None:
    (made,) = postern.json("dkim", "keygen", "Example.com", "--selector", "first")
    assert (made["domain"], made["selector"], made["state"]) == (DOMAIN, "first", "waiting")
    assert signing_selectors() == []
    waiting = postern("dkim", "rotate", DOMAIN, "--zone", str(zone), code=1)
    assert "not seen yet" in waiting.stderr
    publish(zone, made)
    (signing,) = postern.json("dkim", "rotate", DOMAIN, "--zone", str(zone))
    assert signing["state"] == "signing"
    assert signing_selectors() == ["first"]


def test_a_record_is_split_into_strings_that_a_txt_record_takes(postern: CommandLine) -> None:
    (made,) = postern.json("dkim", "keygen", DOMAIN, "--selector", "s")
    strings = made["record"]["strings"]
    assert [len(one) <= 255 for one in strings] == [True, True]
    assert "".join(strings).startswith("v=DKIM1; k=rsa; p=MIIBIjANBg")
    assert made["zone_line"] == f's._domainkey.{DOMAIN}. IN TXT ( "{strings[0]}" "{strings[1]}" )'
    (short,) = postern.json("dkim", "keygen", DOMAIN, "--ed25519")
    assert short["selector"].startswith("e2")
    assert len(short["record"]["strings"]) == 1


def test_a_key_of_a_domain_that_is_not_ours_yet_is_said_to_sign_nothing(postern: CommandLine) -> None:
    assert "postern domains add other.example" in postern("dkim", "keygen", "other.example", "--ed25519").stderr


def test_both_kinds_sign_side_by_side_and_rotate_together(postern: CommandLine, zone: Path) -> None:
    postern("dkim", "keygen", DOMAIN)
    postern("dkim", "keygen", DOMAIN, "--ed25519")
    postern("dkim", "rotate", DOMAIN, "--force")
    before = signing_selectors()
    assert sorted(name[0] for name in before) == ["e", "r"]
    made = postern.json("dkim", "rotate", DOMAIN)
    assert {one["state"] for one in made} == {"waiting"}
    assert signing_selectors() == before
    publish(zone, *made)
    listed = postern.json("dkim", "rotate", DOMAIN, "--zone", str(zone))
    assert sorted(one["state"] for one in listed) == ["old", "old", "signing", "signing"]
    assert sorted(signing_selectors()) == sorted(one["selector"] for one in made)


def test_an_old_key_stays_listed_for_the_mail_that_is_under_way(postern: CommandLine) -> None:
    postern("dkim", "keygen", DOMAIN, "--selector", "one")
    postern("dkim", "rotate", DOMAIN, "--force")
    assert "rotate first" in postern("dkim", "retire", DOMAIN, "one", code=2).stderr
    postern("dkim", "keygen", DOMAIN, "--selector", "two")
    postern("dkim", "rotate", DOMAIN, "--force")
    assert "may be under way until" in postern("dkim", "retire", DOMAIN, "one", code=2).stderr
    assert f"one._domainkey.{DOMAIN}" in postern("dkim", "retire", DOMAIN, "one", "--force").stdout
    assert [one["selector"] for one in postern.json("dkim", "show", DOMAIN)] == ["two"]


def test_the_dns_is_compared_with_what_signs(postern: CommandLine, zone: Path) -> None:
    (made,) = postern.json("dkim", "keygen", DOMAIN, "--selector", "one")
    missing = postern("dkim", "show", DOMAIN, "--check", "--zone", str(zone), code=1)
    assert "missing" in missing.stdout
    (other,) = postern.json("dkim", "keygen", "example.net", "--selector", "one")
    publish(zone, {"record": {**other["record"], "name": made["record"]["name"]}})
    assert "different" in postern("dkim", "show", DOMAIN, "--check", "--zone", str(zone), code=1).stdout
    publish(zone, made)
    assert "published" in postern("dkim", "show", DOMAIN, "--check", "--zone", str(zone)).stdout


def test_private_keys_are_never_shown(postern: CommandLine) -> None:
    postern("dkim", "keygen", DOMAIN)
    shown = postern("dkim", "show", "--json").stdout + postern("dkim", "show", DOMAIN).stdout
    assert "PRIVATE" not in shown
    secret = clients.secrets().get_secret_value(SecretId=f"postern-dkim/{DOMAIN}")["SecretString"]
    assert json.loads(secret)["keys"][0]["private_key"].splitlines()[1] not in shown


def test_what_cannot_be_done_is_explained(postern: CommandLine) -> None:
    assert "There are no keys" in postern("dkim", "show").stdout
    assert "has no key to rotate" in postern("dkim", "rotate", DOMAIN, code=2).stderr
    assert "has no key with the selector" in postern("dkim", "retire", DOMAIN, "x", code=2).stderr
    assert "is no selector" in postern("dkim", "keygen", DOMAIN, "--selector", "No Selector", code=2).stderr
    postern("dkim", "keygen", DOMAIN, "--selector", "x")
    assert "not used twice" in postern("dkim", "keygen", DOMAIN, "--selector", "x", code=2).stderr
