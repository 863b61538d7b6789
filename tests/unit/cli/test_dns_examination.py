"""A domain's DNS for mail: what is missing, what is wrong, and what to publish."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import KeySet
from postern.zone import ZoneResolver
from postern_aws.key_making import new_private_key
from postern_cli.dns.examination import State, examine, is_ready
from postern_cli.scan.case import read_zone
from tests.embedded_aws import Installation
from tests.unit.cli.conftest import CommandLine

NOW = datetime(2026, 11, 22, tzinfo=UTC)

KEY = "A" * 392
GOOD = {
    "example.com": {"MX": ["10 mx.example.com"], "TXT": ["v=spf1 mx -all", "unrelated"]},
    "mx.example.com": {"A": ["192.0.2.1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:postmaster@example.com"]},
    "s1._domainkey.example.com": {"TXT": [f"v=DKIM1; p={KEY}"]},
}


def states(zone: dict[str, object]) -> dict[str, State]:
    subjects = examine("Example.com.", ZoneResolver(zone), ("s1",))  # type: ignore[arg-type]
    return {subject.name: subject.state for subject in subjects}


def test_a_domain_that_publishes_everything_is_ready() -> None:
    subjects = examine("example.com", ZoneResolver(GOOD), ("s1",))
    assert [subject.state for subject in subjects] == [State.GOOD] * 5
    assert is_ready(subjects)


def test_a_domain_without_anything_is_told_what_to_publish() -> None:
    subjects = examine("example.com", ZoneResolver({}))
    assert [subject.publish.split(" ")[0] for subject in subjects] == [
        "example.com.",
        "example.com.",
        "_dmarc.example.com.",
    ]
    assert not is_ready(subjects)


@pytest.mark.parametrize(
    ("name", "records", "subject", "state"),
    [
        ("example.com", {"MX": "TIMEOUT"}, "MX", State.UNKNOWN),
        ("example.com", {"MX": ["0 ."]}, "MX", State.ADVICE),
        ("mx.example.com", {}, "address of mx.example.com", State.MISSING),
        ("1.2.0.192.in-addr.arpa", {}, "PTR of 192.0.2.1", State.MISSING),
        ("1.2.0.192.in-addr.arpa", {"PTR": ["else.example.com"]}, "PTR of 192.0.2.1", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 -all", "v=spf1 mx"]}, "SPF", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 +all"]}, "SPF", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 mx:::"]}, "SPF", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 mx"]}, "SPF", State.ADVICE),
        ("s1._domainkey.example.com", {"TXT": ["v=DKIM1; p="]}, "DKIM s1", State.WRONG),
        ("s1._domainkey.example.com", {"TXT": ["v=DKIM1; p=abc"]}, "DKIM s1", State.WRONG),
        ("s1._domainkey.example.com", {}, "DKIM s1", State.MISSING),
        ("_dmarc.example.com", {"TXT": ["v=DMARC1; p=none; rua=mailto:a@b.c"]}, "DMARC", State.ADVICE),
        ("_dmarc.example.com", {"TXT": ["v=DMARC1; p=block"]}, "DMARC", State.WRONG),
    ],
)
def test_each_fault_is_found(name: str, records: dict[str, object], subject: str, state: State) -> None:
    assert states({**GOOD, name: records})[subject] is state


def test_the_services_own_keys_are_compared_with_what_is_published(
    postern: CommandLine, aws: Installation, tmp_path: Path
) -> None:
    (made,) = postern.json("dkim", "keygen", "example.com", "--ed25519", "--selector", "own")
    zone = tmp_path / "zone.json"
    zone.write_text(json.dumps(GOOD))
    check = ("dns", "check", "example.com", "--selector", "s1", "--zone", str(zone))
    (waiting,) = (one for one in postern.json(*check) if one["name"] == "DKIM own")
    assert (waiting["state"], waiting["publish"]) == ("advice", made["zone_line"])
    postern("dkim", "rotate", "example.com", "--force")
    (signing,) = (one for one in postern.json(*check, code=1) if one["name"] == "DKIM own")
    assert (signing["state"], signing["found"]) == ("missing", "no key record; it signs")
    text = "".join(made["record"]["strings"])
    zone.write_text(json.dumps({**GOOD, made["record"]["name"]: {"TXT": [text]}}))
    read_zone.cache_clear()  # every command is a process of its own
    found = {one["name"]: one["state"] for one in postern.json(*check)}
    assert (found["DKIM own"], found["DKIM s1"]) == ("good", "good")


def test_a_key_that_was_replaced_in_the_dns_is_wrong() -> None:
    keys = KeySet("example.com").with_new("s1", new_private_key(KeyType.ED25519), KeyType.ED25519, NOW)
    keys = keys.switched_to("s1", NOW)
    (found,) = (one for one in examine("example.com", ZoneResolver(GOOD), ("s1",), keys) if one.name == "DKIM s1")
    assert (found.state, found.found) == (State.WRONG, "another key is published; it signs")


@pytest.mark.parametrize("region", [(), ("--region", "eu-central-1")], ids=["no region", "no credentials"])
def test_a_domain_is_examined_without_any_service(
    postern: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, region: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    for name in [one for one in os.environ if one.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_PROFILE", "POSTERN_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    zone = tmp_path / "zone.json"
    zone.write_text(json.dumps(GOOD))
    done = postern("dns", "check", "example.com", "--zone", str(zone), *region)
    assert "was not asked for keys" in done.stderr
