"""What learning and judging ask of storage. Adapters raise `ports.Unavailable` when they cannot answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from postern.bayes.examples import Example


class TokenStore(Protocol):
    """Learnt messages, durably: one item per message under its digest, so that learners cannot lose each other's work.

    A store keeps at most one example for a digest; the last written label wins.
    """

    def put(self, examples: Sequence[Example]) -> None:
        """Write examples; writing one again changes nothing."""
        ...

    def remove(self, digests: Sequence[bytes]) -> None:
        """Remove examples; those that are not there are no error."""
        ...

    def read_all(self) -> Iterator[Example]:
        """Every example, in any order."""
        ...


class ModelStore(Protocol):
    """Snapshots of models by version; versions sort by age."""

    def newest(self) -> tuple[str, bytes] | None:
        """Version and octets of the snapshot in use, or `None`."""
        ...

    def save(self, octets: bytes) -> str:
        """Keep a snapshot and take it into use; its version."""
        ...

    def versions(self) -> tuple[str, ...]:
        """The versions that can be rolled back to, newest first."""
        ...

    def use(self, version: str) -> None:
        """Take an older snapshot into use."""
        ...
