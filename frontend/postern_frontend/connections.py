"""All open connections: how many there may be, whose time is over, and the way they are brought to an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from postern_frontend.client_address import Client, client_network

if TYPE_CHECKING:
    from postern_frontend.connection import Connection

SWEEP_SECONDS = 0.5


class Crowded(Enum):
    """Why one more connection cannot be taken."""

    FULL = auto()
    FULL_FOR_CLIENT = auto()


class Place:
    """One connection's share of the limits, from its arrival to its end."""

    def __init__(self, taken: Counter[str], subjects: tuple[str, ...]) -> None:
        self._taken = taken
        self._subjects = subjects
        taken.update(subjects)

    def leave(self) -> None:
        """Give the share back; a second time does nothing."""
        for subject in self._subjects:
            self._taken[subject] -= 1
            if not self._taken[subject]:
                del self._taken[subject]
        self._subjects = ()


_EVERYBODY = "*"


class Connections:
    """The connections of one process. `per_client` counts an address, `per_network` its /24 or /64."""

    def __init__(self, *, total: int, per_client: int, per_network: int) -> None:
        self.is_draining = False
        self._total = total
        self._per_client = per_client
        self._per_network = per_network
        self._taken: Counter[str] = Counter()
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def __len__(self) -> int:
        return len(self._open)

    def take_place(self, client: Client) -> Place | Crowded:
        """A place for this client, or why there is none."""
        if self._taken[_EVERYBODY] >= self._total:
            return Crowded.FULL
        if client.ip is None:
            return Place(self._taken, (_EVERYBODY,))
        network = client_network(client.ip)
        if self._taken[client.ip] >= self._per_client or self._taken[network] >= self._per_network:
            return Crowded.FULL_FOR_CLIENT
        return Place(self._taken, (_EVERYBODY, client.ip, network))

    def opened(self, connection: Connection) -> None:
        """Look after a connection from now on."""
        self._open.add(connection)
        self._note()

    def closed(self, connection: Connection) -> None:
        """Look after it no longer."""
        self._open.discard(connection)
        self._note()

    def hold(self, task: asyncio.Task[Any]) -> None:
        """Remember work that must be finished before the process ends, even without its client."""
        self._tasks.add(task)
        self._note()
        task.add_done_callback(self._finished)

    async def sweep(self) -> None:
        """Look after everybody's time, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for connection in tuple(self._open):
                connection.check_time(now)

    async def drain(self, seconds: float) -> None:
        """Let everybody finish what is under way, for so long at most, then cut what is left."""
        self.is_draining = True
        for connection in tuple(self._open):
            connection.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
        for connection in tuple(self._open):
            connection.abandon()

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._note()

    def _note(self) -> None:
        if self._open or self._tasks:
            self._quiet.clear()
        else:
            self._quiet.set()
