"""Domains, accounts and aliases from the command line."""

from __future__ import annotations

import boto3
import pytest

from postern.outgoing.target import TargetTls
from postern.policy_compiler import read_domain_row
from postern_cli.directory.cycles import find_cycle
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def hosted(postern: CommandLine) -> CommandLine:
    """A command line whose service receives for two domains."""
    postern("domains", "add", "example.com")
    postern("domains", "add", "example.net")
    return postern


def test_a_hosted_domain_is_written_as_the_compiler_reads_it(postern: CommandLine) -> None:
    postern("domains", "add", "Bücher.example", "--note", "shop")
    (row,) = postern.json("domains", "show")
    assert (row["domain"], row["route"], row["note"]) == ("xn--bcher-kva.example", "mailbox", "shop")


def test_a_relayed_domain_names_its_server(postern: CommandLine) -> None:
    options = ("--relay-to", "mail.example.org:2525", "--tls", "verified", "--pattern", "*", "--no-smtputf8")
    postern("domains", "add", "example.org", *options)
    received = read_domain_row(boto3.resource("dynamodb").Table("Domains").scan()["Items"][0])
    assert received.target is not None
    assert (received.target.host, received.target.port, received.target.tls) == (
        "mail.example.org",
        2525,
        TargetTls.VERIFIED,
    )
    assert received.entry.patterns == ("*",)
    assert not received.entry.takes_smtputf8


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("example.com", "--relay-to", "host:99999"),
        ("example.com", "--relay-to", "host", "--user", "postern"),
    ],
)
def test_a_domain_that_makes_no_sense_is_not_written(postern: CommandLine, arguments: tuple[str, ...]) -> None:
    postern("domains", "add", *arguments, code=2)
    assert postern.json("domains", "show") == []


def test_a_domain_is_removed_after_a_question(hosted: CommandLine) -> None:
    hosted("domains", "remove", "example.com", stdin="n\n", code=1)
    hosted("domains", "remove", "example.com", stdin="y\n")
    hosted("domains", "remove", "example.com", "--yes", code=1)
    assert [row["domain"] for row in hosted.json("domains", "show")] == ["example.net"]


def test_accounts_are_added_once_listed_and_removed(hosted: CommandLine) -> None:
    hosted("accounts", "add", "Ann@Example.com", "bob@example.net", "--note", "new")
    again = hosted("accounts", "add", "ann@example.com")
    assert "exists already" in again.stdout
    assert "accounts change" in again.stderr
    assert [row["address"] for row in hosted.json("accounts", "show", "example.com")] == ["ann@example.com"]
    hosted("accounts", "remove", "ann@example.com")
    assert "is no account" in hosted("accounts", "remove", "ann@example.com", code=1).stdout
    assert [row["address"] for row in hosted.json("accounts", "show")] == ["bob@example.net"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ann@example.org", "postern domains add"),
        ("ann", "is no address"),
        ("a+b@example.com", "tag"),
        ("a b@c.d", "no"),
    ],
)
def test_an_account_must_be_of_a_domain_here(hosted: CommandLine, address: str, told: str) -> None:
    assert told in hosted("accounts", "add", address, code=2).stderr


def test_aliases_lead_where_they_are_told(hosted: CommandLine) -> None:
    hosted("aliases", "add", "sales@example.com", "Ann@example.com", "bob@example.net")
    hosted("aliases", "add", "@example.net", "@example.com")
    assert [(row["address"], row["targets"]) for row in hosted.json("aliases", "show")] == [
        ("@example.net", ["@example.com"]),
        ("sales@example.com", ["ann@example.com", "bob@example.net"]),
    ]
    hosted("aliases", "remove", "@example.net")
    hosted("aliases", "remove", "@example.net", code=1)


@pytest.mark.parametrize(
    ("aliases", "refused"),
    [
        ((), ("a@example.com", "a@example.com")),
        ((("b@example.com", "a@example.com"),), ("a@example.com", "b@example.com")),
        ((("@example.net", "@example.com"),), ("@example.com", "@example.net")),
        ((("@example.net", "@example.com"),), ("a@example.com", "a@example.net")),
        ((), ("@example.com", "nobody@example.com")),
    ],
)
def test_a_circle_is_refused_when_it_would_be_written(
    hosted: CommandLine, aliases: tuple[tuple[str, str], ...], refused: tuple[str, str]
) -> None:
    for alias in aliases:
        hosted("aliases", "add", *alias)
    assert "circle" in hosted("aliases", "add", *refused, code=2).stderr


def test_a_catch_all_may_lead_to_an_account_of_its_own_domain(hosted: CommandLine) -> None:
    hosted("accounts", "add", "ann@example.com")
    hosted("aliases", "add", "@example.com", "ann@example.com")


@pytest.mark.parametrize(
    "arguments",
    [("a@example.com", "@example.net"), ("@example.com", "@example.net", "a@example.net"), ("a@example.com", "b@c.de")],
)
def test_targets_that_nothing_would_reach_are_refused(hosted: CommandLine, arguments: tuple[str, ...]) -> None:
    hosted("aliases", "add", *arguments, code=2)


def test_a_long_chain_ends() -> None:
    assert find_cycle("0", lambda address: [str(int(address) + 1)]) == ()


def test_an_alias_leads_to_no_other_site(postern: CommandLine) -> None:
    postern("domains", "add", "example.com")
    told = postern("aliases", "add", "sales@example.com", "ann@elsewhere.example", code=2).stderr
    assert "mail is not forwarded to other sites" in " ".join(told.split())
