"""What a listener asks before it lets a client in."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol


class Refusal(Enum):
    """Why a client is turned away: for a while, or by a person's decision."""

    FOR_NOW = auto()
    FOR_GOOD = auto()


class Door(Protocol):
    """Where clients of one protocol come in. `client_ip` is `None` when nobody knows it."""

    def knock(self, client_ip: str | None) -> Refusal | None:
        """A client has come: it is counted, and turned away when that is known already."""
        ...

    async def ask(self, client_ip: str | None) -> Refusal | None:
        """Whether to turn the client away, after looking it up if need be."""
        ...


class OpenDoor:
    """Everybody may come in. Implements `Door`."""

    def knock(self, client_ip: str | None) -> Refusal | None:
        """Nobody is counted."""
        del client_ip
        return None

    async def ask(self, client_ip: str | None) -> Refusal | None:
        """Nobody is turned away."""
        del client_ip
        return None
