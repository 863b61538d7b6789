"""Where a new password comes from: a prompt, standard input, or chance. Never from the command line, where other
users of the machine see it.

PolicyError    no password came, or one that is too long
"""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from postern.policy import PolicyError
from postern.session.authentication import MAX_PASSWORD_CHARACTERS, prepared
from postern_frontend.passwords import hash_password

LEAST_CHARACTERS = 8
_WORDS, _LETTERS = 4, 5
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without what people take for something else: l, o, 0, 1."""

FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it once.")]


def ask_password(*, from_stdin: bool, generate: bool) -> str:
    """A new password, from where the options say. Raises `PolicyError`."""
    if from_stdin and generate:
        raise PolicyError("--password-stdin and --generate exclude each other")
    if generate:
        return generated()
    if from_stdin:
        return _checked(sys.stdin.readline().rstrip("\r\n"))
    return _checked(typer.prompt("New password", hide_input=True, confirmation_prompt="Once more", err=True))


def generated() -> str:
    """A password of 100 bits, in groups that can be read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_WORDS))


def hashed(password: str) -> str:
    """The argon2id string that the front ends verify a password against."""
    return hash_password(prepared(password))


def _checked(password: str) -> str:
    if not LEAST_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS or "\0" in password:
        raise PolicyError(f"a password has {LEAST_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters")
    return password
