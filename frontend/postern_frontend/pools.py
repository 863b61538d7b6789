"""Bounded pools of threads for what blocks: one for storage, one for the filter.

A full pool says so at once. A queue without end would answer everybody too late instead of most in time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from postern.ports import Unavailable

T = TypeVar("T")


class Runner(Protocol):
    """Runs something that blocks without blocking the event loop."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """The result of `work()`; its exceptions pass through. Raises `Unavailable` when there is no room."""
        ...


class BoundedPool:
    """A `Runner` of so many threads, with room for so many calls that wait for one."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threading.Semaphore(threads + waiting)

    async def __call__(self, work: Callable[[], T]) -> T:
        """See `Runner`."""
        if not self._room.acquire(blocking=False):
            raise Unavailable(f"the {self._name} pool is full")
        future = self._executor.submit(work)
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Take no more work; what runs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
