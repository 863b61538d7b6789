"""Passwords against their hashes: right, wrong, nobody's, and a hash that cannot be computed, which is not wrong."""

from __future__ import annotations

import pytest

from postern.ports import Unavailable
from postern_frontend.passwords import PasswordVerifier, hash_password

PASSWORD = "open-sesame"
TOO_SHORT_A_SALT = "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA"


def test_a_password_is_its_hash_s_and_no_other_is() -> None:
    verify, hashed = PasswordVerifier(), hash_password(PASSWORD)
    assert verify(hashed, PASSWORD)
    assert not verify(hashed, "open-sesam")


def test_nobody_s_password_is_never_right() -> None:
    assert not PasswordVerifier()("", PASSWORD)


def test_what_is_no_hash_is_nobody_s() -> None:
    assert not PasswordVerifier()("open-sesame", PASSWORD)


def test_a_hash_that_cannot_be_computed_is_our_trouble_and_not_a_wrong_password() -> None:
    with pytest.raises(Unavailable, match="cannot be verified"):
        PasswordVerifier()(TOO_SHORT_A_SALT, PASSWORD)
