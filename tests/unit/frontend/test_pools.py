from __future__ import annotations

import asyncio
import threading

import pytest

from postern.ports import Unavailable
from postern_frontend.network_slots import NetworkSlots
from postern_frontend.pools import BoundedPool


def test_a_full_pool_says_so_at_once_and_recovers() -> None:
    async def session() -> None:
        pool = BoundedPool("test", threads=1, waiting=1)
        gate = threading.Event()
        waiting = [asyncio.create_task(pool(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="full"):
            await pool(gate.wait)
        gate.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert await pool(lambda: "again") == "again"
        pool.close()

    asyncio.run(session())


def test_who_stops_waiting_does_not_keep_the_room() -> None:
    async def session() -> None:
        pool = BoundedPool("test", threads=1, waiting=1)
        gate = threading.Event()
        running = asyncio.create_task(pool(gate.wait))
        queued = asyncio.create_task(pool(gate.wait))
        await asyncio.sleep(0)
        queued.cancel()
        await asyncio.gather(queued, return_exceptions=True)
        again = asyncio.create_task(pool(lambda: "again"))
        await asyncio.sleep(0)
        gate.set()
        assert await again == "again"
        await running
        pool.close()

    asyncio.run(session())


def test_exceptions_pass_through_a_pool() -> None:
    async def session() -> None:
        pool = BoundedPool("test", threads=1, waiting=0)
        with pytest.raises(ZeroDivisionError):
            await pool(lambda: 1 // 0)
        pool.close()

    asyncio.run(session())


def test_a_network_waits_for_its_slot_and_others_do_not() -> None:
    async def session() -> None:
        slots = NetworkSlots(per_network=1, wait_seconds=0.05)
        async with slots.slot("203.0.113.9"):
            async with slots.slot("198.51.100.1"), slots.slot(None):
                pass
            with pytest.raises(Unavailable):
                async with slots.slot("203.0.113.77"):
                    pass
        async with slots.slot("203.0.113.77"):
            pass
        assert slots._slots == {}

    asyncio.run(session())
