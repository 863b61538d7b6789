"""How much one client network may have under way at once, so that nobody takes the filter, or logins, for himself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postern.ports import Unavailable
from postern_frontend.client_address import client_network


class NetworkSlots:
    """Slots per /24 or /64; a client waits for one, for so long at most."""

    def __init__(self, *, per_network: int, wait_seconds: float) -> None:
        self._per_network = per_network
        self._wait_seconds = wait_seconds
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def slot(self, client_ip: str | None) -> AsyncIterator[None]:
        """Hold a slot. Raises `Unavailable` when none became free in time."""
        network = client_network(client_ip) if client_ip else ""
        slots = self._slots.setdefault(network, asyncio.Semaphore(self._per_network))
        self._users[network] = self._users.get(network, 0) + 1
        try:
            await self._acquire(slots)
            try:
                yield
            finally:
                slots.release()
        finally:
            self._leave(network)

    async def _acquire(self, slots: asyncio.Semaphore) -> None:
        if not slots.locked():
            await slots.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                await slots.acquire()
        except TimeoutError as error:
            raise Unavailable("too much of one network is under way") from error

    def _leave(self, network: str) -> None:
        self._users[network] -= 1
        if not self._users[network]:
            del self._users[network], self._slots[network]
