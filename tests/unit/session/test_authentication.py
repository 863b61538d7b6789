"""Trying a password: one verification whatever is tried."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postern.accounts import Account, AppPassword, Freeze
from postern.session.authentication import Attempt, Outcome, account_address, attempt, prepared

ANN = Account("ann@example.com", "H(right)", (AppPassword("phone", "H(abcde-1)", "abcde"),))
FROZEN = Account("bob@example.com", "H(right)", frozen=Freeze(datetime(2026, 1, 1, tzinfo=UTC), "runaway"))
RECEIVING = Account("ida@example.com")


class Verifications:
    """Counts what is verified, against hashes that can be read."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, hashed: str, password: str) -> bool:
        self.made.append(hashed)
        return hashed in {"", f"H({password})"}


@pytest.mark.parametrize(
    ("account", "password", "made"),
    [
        (ANN, "right", Attempt(Outcome.ACCEPTED)),
        (ANN, "abcde-1", Attempt(Outcome.ACCEPTED, "phone")),
        (ANN, "abcde-2", Attempt(Outcome.WRONG)),
        (ANN, "wrong", Attempt(Outcome.WRONG)),
        (ANN, "", Attempt(Outcome.WRONG)),
        (FROZEN, "right", Attempt(Outcome.FROZEN)),
        (FROZEN, "wrong", Attempt(Outcome.WRONG)),
        (RECEIVING, "", Attempt(Outcome.WRONG)),
        (RECEIVING, "right", Attempt(Outcome.WRONG)),
        (None, "right", Attempt(Outcome.WRONG)),
    ],
)
def test_every_attempt_is_one_verification(account: Account | None, password: str, made: Attempt) -> None:
    verify = Verifications()
    assert attempt(account, password, verify) == made
    assert len(verify.made) == 1


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann", ""),
        ("@example.com", ""),
        ("ann@", ""),
        ("a b@example.com", ""),
        (f"{'a' * 320}@example.com", ""),
    ],
)
def test_names_are_whole_addresses(name: str, address: str) -> None:
    assert account_address(name) == address


def test_a_password_has_one_spelling() -> None:
    assert prepared("pa\u0308ss\u00a0word") == prepared("päss word") == "päss word"
