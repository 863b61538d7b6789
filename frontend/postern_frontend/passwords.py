"""Passwords as argon2id hashes (RFC 9106), with the parameters OWASP names for servers with little memory."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from postern.ports import Unavailable

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)


def hash_password(password: str) -> str:
    """The argon2id string of a password, in PHC form, with a salt of its own."""
    return _hasher.hash(password)


class PasswordVerifier:
    """Verifies passwords; what has no hash costs as much as what has one. Blocking: some 20 ms, 19 MiB."""

    def __init__(self) -> None:
        self._nobody = hash_password(secrets.token_hex(16))

    def __call__(self, hashed: str, password: str) -> bool:
        """Whether `hashed` is of this password; an empty one is nobody's. Raises `Unavailable` for want of memory."""
        try:
            _hasher.verify(hashed or self._nobody, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        except VerificationError as trouble:
            # Ours, such as memory that is not to be had: nobody is to be told, or counted, that his password is wrong.
            raise Unavailable(f"a password cannot be verified: {trouble}") from trouble
        return bool(hashed)
