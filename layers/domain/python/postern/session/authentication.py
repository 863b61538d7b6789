"""Whether a name and a password are an account's, at one verification for whoever asks (RFC 4616, RFC 4954 §4).

An account that does not exist, a wrong password and one that has no password must look and last alike: exactly one
hash is verified in every case, and a hash of nothing where there is none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from postern.accounts import Account
from postern.recipients import DOT_STRING, canonical_address, canonical_domain

MAX_NAME_CHARACTERS = 320
MAX_PASSWORD_CHARACTERS = 256

Verify = Callable[[str, str], bool]
"""Whether an argon2id string is that of a password. An empty string is nobody's, and takes as long as any other."""


class Outcome(StrEnum):
    """What became of an attempt to log in."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    FROZEN = "frozen"
    """The password is right, and the account may not log in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt's outcome; `label` is that of the app password which was used."""

    outcome: Outcome
    label: str = ""


def account_address(name: str) -> str:
    """The canonical address behind the name somebody logs in with; empty when it can be none.

    Names are whole addresses: with several domains nothing shorter is anybody's.
    """
    local_part, at, domain = name.strip().rpartition("@")
    ascii_domain = canonical_domain(domain) or ""
    if not at or len(name) > MAX_NAME_CHARACTERS or not DOT_STRING.fullmatch(local_part) or not ascii_domain:
        return ""
    return canonical_address(local_part, ascii_domain)


def prepared(password: str) -> str:
    """A password in its one spelling: NFC, every blank a space (RFC 8265 §4.2)."""
    spaced = "".join(" " if unicodedata.category(one) == "Zs" else one for one in password)
    return unicodedata.normalize("NFC", spaced)


def attempt(account: Account | None, password: str, verify: Verify) -> Attempt:
    """Try a password. An account's app password is known by how it starts; anything else is tried as its password."""
    given = prepared(password)
    label, hashed = _hash_to_try(account, given)
    is_right = verify(hashed, given) and bool(hashed)
    if account is None or not is_right:
        return Attempt(Outcome.WRONG)
    return Attempt(Outcome.FROZEN if account.frozen else Outcome.ACCEPTED, label)


def _hash_to_try(account: Account | None, password: str) -> tuple[str, str]:
    if account is None:
        return "", ""
    for one in account.app_passwords:
        if password.startswith(one.starts):
            return one.label, one.hashed
    return "", account.hashed
