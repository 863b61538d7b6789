"""Accounts from the command line: passwords, identities, limits, freezing."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from postern.accounts import Account, read_account
from postern.session.authentication import Outcome, attempt
from postern_frontend.passwords import PasswordVerifier
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")
ANN = "ann@example.com"
VERIFY = PasswordVerifier()


@pytest.fixture
def hosted(postern: CommandLine) -> CommandLine:
    postern("domains", "add", "example.com")
    return postern


def table() -> Any:
    return boto3.resource("dynamodb").Table("Accounts")


def stored(address: str = ANN) -> Account:
    return read_account(table().get_item(Key={"address": address})["Item"])


def logs_in(password: str) -> bool:
    return attempt(stored(), password, VERIFY).outcome is Outcome.ACCEPTED


def test_an_account_is_added_with_a_password_from_a_prompt(hosted: CommandLine) -> None:
    said = hosted("accounts", "add", ANN, "--password", stdin="correct horse\ncorrect horse\n")
    assert logs_in("correct horse")
    assert "correct horse" not in said.output


def test_a_password_that_was_mistyped_is_asked_for_again(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN)
    hosted("accounts", "passwd", ANN, stdin="correct horse\nwrong horse\nbattery staple\nbattery staple\n")
    assert logs_in("battery staple")


def test_a_password_comes_from_standard_input(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN, "--password-stdin", stdin="pässword with spaces\n")
    assert logs_in("pässword with spaces")
    assert logs_in("pa\u0308ssword\u00a0with spaces")


def test_a_generated_password_is_printed_once_and_is_never_the_same(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN)
    first, second = (hosted("accounts", "passwd", ANN, "--generate").stdout.strip() for _ in range(2))
    assert first != second
    assert logs_in(second)
    assert not logs_in(first)


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("passwd", ANN, "--password-stdin"), "short\n"),
        (("passwd", ANN, "--password-stdin"), ""),
        (("passwd", ANN, "--password-stdin"), "x" * 257),
        (("passwd", ANN, "--password-stdin", "--generate"), "correct horse\n"),
        (("passwd", "nobody@example.com", "--generate"), ""),
        (("add", "bob@example.com", "carla@example.com", "--generate"), ""),
        (("add", "bob@example.com", "--identity", "nonsense"), ""),
        (("change", ANN, "--identity", "*@"), ""),
        (("change", ANN, "--limit-messages", "9999999"), ""),
    ],
)
def test_what_makes_no_sense_changes_nothing(hosted: CommandLine, arguments: tuple[str, ...], stdin: str) -> None:
    hosted("accounts", "add", ANN)
    before = table().scan()["Items"]
    hosted("accounts", *arguments, stdin=stdin, code=2)
    assert table().scan()["Items"] == before


def test_there_is_no_option_that_takes_a_password(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN, "--password=secret-word", code=2)
    hosted("accounts", "passwd", ANN, "secret-word", code=2)


def test_app_passwords_are_made_listed_and_taken_away(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN)
    phone = hosted("accounts", "app-password", "add", ANN, "phone").stdout.strip()
    laptop = hosted.json("accounts", "app-password", "add", ANN, "laptop")["password"]
    assert (attempt(stored(), phone, VERIFY).label, attempt(stored(), laptop, VERIFY).label) == ("phone", "laptop")
    hosted("accounts", "app-password", "add", ANN, "phone", code=1)
    assert [row["label"] for row in hosted.json("accounts", "app-password", "list", ANN)] == ["laptop", "phone"]
    hosted("accounts", "app-password", "remove", ANN, "phone")
    hosted("accounts", "app-password", "remove", ANN, "phone", code=1)
    assert not logs_in(phone)
    assert logs_in(laptop)


def test_identities_and_limits_are_changed_one_by_one(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN, "--identity", "Sales@Example.com", "--limit-messages", "50")
    hosted("accounts", "change", ANN, "--identity", "*@Bücher.example", "--limit-recipients", "70")
    assert stored().identities == ("sales@example.com", "*@xn--bcher-kva.example")
    assert (stored().limits.messages, stored().limits.recipients) == (50, 70)
    hosted("accounts", "change", ANN, "--drop-identity", "sales@example.com", "--no-limits", "--note", "moved")
    assert stored().identities == ("*@xn--bcher-kva.example",)
    assert (stored().limits.messages, stored().limits.recipients) == (None, None)
    hosted("accounts", "change", ANN, "--identity", "*")
    assert stored().may_send_as("anybody@elsewhere.example")


@pytest.mark.parametrize("by_hand", [{"sales@example.com"}, "sales@example.com, info@example.com"])
def test_identities_that_were_written_by_hand_are_kept(hosted: CommandLine, by_hand: object) -> None:
    table().put_item(Item={"address": ANN, "identities": by_hand})
    hosted("accounts", "change", ANN, "--identity", "jobs@example.com")
    assert {"sales@example.com", "jobs@example.com"} <= set(stored().identities)


def test_an_account_is_frozen_and_thawed(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN)
    assert "ann@example.com frozen" in hosted("accounts", "freeze", ANN, "--reason", "stolen telephone").stdout
    assert "was frozen already" in hosted("accounts", "freeze", ANN).stdout
    assert f"{hosted.json('accounts', 'show')[0]['frozen_since'][:10]} " in hosted("accounts", "show").stdout
    frozen = stored().frozen
    assert frozen is not None
    assert frozen.reason == "stolen telephone"
    assert "stolen telephone" in hosted("accounts", "show", ANN).stdout
    assert "thawed" in hosted("accounts", "thaw", ANN).stdout
    assert "was not frozen" in hosted("accounts", "thaw", ANN).stdout
    assert stored().frozen is None
    hosted("accounts", "freeze", "nobody@example.com", code=2)


def test_hashes_are_never_shown(hosted: CommandLine) -> None:
    hosted("accounts", "add", ANN, "--generate")
    hosted("accounts", "app-password", "add", ANN, "phone")
    for arguments in (("show",), ("show", ANN), ("show", "--json"), ("show", ANN, "--json")):
        said = hosted("accounts", *arguments).stdout
        assert "argon2" not in said
        assert ANN in said
    assert hosted.json("accounts", "show", ANN)["app_passwords"] == {"phone": ""}


def test_a_row_that_cannot_be_used_is_said_to_be_so(hosted: CommandLine) -> None:
    hosted("accounts", "add", "bob@example.com")
    table().put_item(Item={"address": ANN, "password": "secret"})
    rows = {row["address"]: row for row in hosted.json("accounts", "show")}
    assert "expected an argon2id hash" in rows[ANN]["problem"]
    assert "problem" not in rows["bob@example.com"]
    hosted("accounts", "passwd", ANN, "--generate")
    assert "problem" not in hosted.json("accounts", "show", ANN)
