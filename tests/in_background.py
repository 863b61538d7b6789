"""Listeners in a thread of their own, for tests that wait for other programs."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self


class InBackground(ABC):
    """Serves from entering to leaving it."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    @abstractmethod
    def listening(self) -> AbstractAsyncContextManager[Any]:
        """What listens while it is entered."""

    @abstractmethod
    def take(self, listening: Any) -> None:
        """Note what is needed of what listens now."""

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with self.listening() as listening:
            self.take(listening)
            self._started.set()
            await self._stopping.wait()
