from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from postern_frontend.spool import MEMORY_OCTETS, Spool, SpoolBudget, SpoolFullError


@pytest.mark.parametrize("size", [0, 1, MEMORY_OCTETS, MEMORY_OCTETS + 1, 5 * MEMORY_OCTETS])
def test_gives_back_what_was_written(size: int, tmp_path: Path) -> None:
    message = os.urandom(size)
    spool = Spool(SpoolBudget(size), directory=str(tmp_path))
    for start in range(0, size, 40_000):
        spool.write(message[start : start + 40_000])
    assert spool.open().read() == message
    assert spool.open().read() == message
    assert spool.head(100) == message[:100]
    assert spool.size == size
    assert spool.sha256() == hashlib.sha256(message).hexdigest()
    spool.close()


def test_leaves_no_file_behind(tmp_path: Path) -> None:
    spool = Spool(SpoolBudget(1 << 20), directory=str(tmp_path))
    spool.write(b"x" * (MEMORY_OCTETS + 1))
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_writes_on_after_the_head_was_read() -> None:
    spool = Spool(SpoolBudget(1 << 20))
    spool.write(b"a" * (MEMORY_OCTETS + 1))
    spool.head(10)
    spool.write(b"b")
    assert spool.open().read()[-2:] == b"ab"
    spool.close()


def test_all_spools_share_the_budget_and_return_it() -> None:
    budget = SpoolBudget(100)
    first, second = Spool(budget), Spool(budget)
    first.write(b"x" * 60)
    with pytest.raises(SpoolFullError):
        second.write(b"x" * 41)
    first.close()
    first.close()
    second.write(b"x" * 41)
    assert budget.used == 41
    second.close()
    assert budget.used == 0


def test_a_full_disk_is_a_full_spool(tmp_path: Path) -> None:
    spool = Spool(SpoolBudget(1 << 20), directory=str(tmp_path / "absent"))
    with pytest.raises(SpoolFullError):
        spool.write(b"x" * (MEMORY_OCTETS + 1))
    spool.close()
