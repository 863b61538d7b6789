"""A real `gpg` with a key of its own, for tests of signatures."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

USER = "channel@example.org"


@dataclass
class Signer:
    """A key made for the occasion, in a home of its own."""

    home: Path

    def __post_init__(self) -> None:
        self.home.chmod(0o700)
        self._run("--passphrase", "", "--quick-gen-key", USER, "rsa2048", "sign", "never")

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the key."""
        listed = self._run("--with-colons", "--list-keys", USER).decode()
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))

    def public_key(self, *, armor: bool = True) -> bytes:
        """The key as it is published."""
        return self._run(*(["--armor"] if armor else []), "--export", USER)

    def sign(self, document: bytes, *, armor: bool = True, digest: str = "SHA512") -> bytes:
        """A detached signature."""
        weak = ["--allow-weak-digest-algos"] if digest == "SHA1" else []
        chosen = ["--digest-algo", digest, *(["--armor"] if armor else [])]
        return self._run(
            *weak, *chosen, "--passphrase", "", "--pinentry-mode", "loopback", "--detach-sign", given=document
        )

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--batch", "--quiet", "--homedir", str(self.home), *arguments]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(  # noqa: S603 - gpg, with a fixed command line
            command, input=given, capture_output=True, check=True, env=environment, timeout=60
        )
        return done.stdout
