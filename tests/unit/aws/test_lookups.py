"""Looking things up in tables and secrets: sender lists, accounts and aliases, certificates, passwords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from postern.policy_compiler import ReceivingDomain, Snapshot
from postern.ports import KeyMaterial, Unavailable
from postern.recipients import DomainEntry
from postern_aws import clients
from postern_aws.certificates import SecretCertificate, read_password
from postern_aws.directory import DynamoDirectory
from postern_aws.items import to_item
from postern_aws.sender_lists import MAX_KEYS, DynamoSenderLists

pytestmark = pytest.mark.usefixtures("aws")


@dataclass(frozen=True)
class Compiled:
    snapshot: Snapshot

    def current(self) -> Snapshot:
        return self.snapshot


def put(table: str, **row: Any) -> None:
    clients.dynamodb().put_item(TableName=table, Item=to_item(row))


def lists(held: Mapping[str, tuple[str, ...]], table: str = "SenderLists") -> DynamoSenderLists:
    return DynamoSenderLists(clients.dynamodb(), table, Compiled(Snapshot(lists=held)))


# --- sender lists -----------------------------------------------------------------------------------------


def test_entries_are_found_at_the_scopes_that_hold_any() -> None:
    put("SenderLists", scope="global", entry="block#*@spam.example", points=Decimal("7.5"), note="bought list")
    put("SenderLists", scope="mailbox:ann@example.com", entry="allow#bob@spam.example", expires_at=2_000_000_000)
    put("SenderLists", scope="mailbox:eve@example.com", entry="allow#bob@spam.example")
    held = {"global": ("block",), "mailbox:ann@example.com": ("allow",), "mailbox:eve@example.com": ("allow",)}
    scopes = ("global", "domain:example.com", "mailbox:ann@example.com")
    found = lists(held).lookup(scopes, ("bob@spam.example", "*@spam.example"))
    assert [(entry.scope, entry.action, entry.pattern, entry.points) for entry in found] == [
        ("global", "block", "*@spam.example", 750),
        ("mailbox:ann@example.com", "allow", "bob@spam.example", None),
    ]
    assert found[1].expires_at is not None


def test_nothing_is_asked_where_there_are_no_entries() -> None:
    assert lists({"domain:other.example": ("block",)}, "Gone").lookup(("global",), ("*@spam.example",)) == ()


def test_more_keys_than_one_batch_are_asked_in_several() -> None:
    for number in range(250):
        put("SenderLists", scope="global", entry=f"block#a{number}@spam.example")
    found = lists({"global": ("allow", "block")}).lookup(("global",), (f"a{n}@spam.example" for n in range(250)))
    assert len(found) == 250


def test_a_malformed_row_counts_for_nothing() -> None:
    put("SenderLists", scope="global", entry="block#*@spam.example", points="many")
    assert lists({"global": ("block",)}).lookup(("global",), ("*@spam.example",)) == ()


def test_more_keys_than_any_message_needs_are_not_looked_up() -> None:
    with pytest.raises(Unavailable, match="too many"):
        lists({"global": ("block",)}).lookup(("global",), (str(n) for n in range(MAX_KEYS + 1)))


def test_a_table_that_cannot_be_read_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        lists({"global": ("block",)}, "Gone").lookup(("global",), ("*@spam.example",))


# --- the directory ----------------------------------------------------------------------------------------


def directory() -> DynamoDirectory:
    domains = {"example.com": ReceivingDomain(DomainEntry("example.com"))}
    return DynamoDirectory(clients.dynamodb(), "Accounts", "Aliases", Compiled(Snapshot(domains=domains)))


def test_domains_come_from_the_snapshot_and_accounts_from_their_table() -> None:
    put("Accounts", address="ann@example.com")
    assert directory().domain("example.com") == DomainEntry("example.com")
    assert directory().domain("example.net") is None
    assert directory().has_account("ann@example.com")
    assert not directory().has_account("bob@example.com")
    assert not directory().has_account("")


@pytest.mark.parametrize(
    "targets",
    [
        ["Ann@example.com", "bob@example.com"],
        {"ann@example.com", "bob@example.com"},
        "ann@example.com, bob@example.com",
    ],
)
def test_the_targets_of_an_alias_may_be_written_in_any_way(targets: object) -> None:
    put("Aliases", address="team@example.com", targets=targets)
    assert directory().alias("team@example.com") == ("ann@example.com", "bob@example.com")
    assert directory().alias("nobody@example.com") == ()


def test_a_directory_that_cannot_be_read_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        replace(directory(), accounts_table="Gone").has_account("ann@example.com")
    with pytest.raises(Unavailable):
        replace(directory(), aliases_table="Gone").alias("ann@example.com")


# --- secrets ----------------------------------------------------------------------------------------------


def secret(name: str, text: str) -> str:
    return clients.secrets().create_secret(Name=name, SecretString=text)["ARN"]


def test_a_certificate_is_read_from_its_secret() -> None:
    arn = secret("pair", '{"certificate": "CERT", "key": "KEY"}')
    assert SecretCertificate(clients.secrets(), arn).read() == KeyMaterial(b"CERT", b"KEY")


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"certificate": "", "key": ""}', '{"certificate": 1, "key": 2}']
)
def test_a_secret_without_a_certificate_is_unavailable(text: str) -> None:
    arn = secret("broken", text or " ")
    with pytest.raises(Unavailable):
        SecretCertificate(clients.secrets(), arn).read()
    with pytest.raises(Unavailable):
        SecretCertificate(clients.secrets(), "missing").read()


def test_a_password_is_the_secret_or_a_value_in_it() -> None:
    assert read_password(clients.secrets(), secret("plain", "s3cret")) == "s3cret"
    assert read_password(clients.secrets(), secret("json", '{"password": "s3cret"}')) == "s3cret"
