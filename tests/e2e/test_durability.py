"""Whatever dies or fails: what was answered 250 is there once, what was refused is nowhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from postern.workflow import Packing
from tests.e2e.durability import Trial, letters
from tests.e2e.local_service import local_service
from tests.e2e.mail_clients import Fate

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

LETTERS = 98
CONNECTIONS = 6
SECONDS = 60
"""For the part with trouble; it mostly ends earlier."""


def test_every_accepted_message_is_found_once_and_no_refused_one(tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311 - chooses messages
    with local_service(tmp_path / "state", Packing.STAGE) as service:
        trial = Trial(service, letters(LETTERS, chance), CONNECTIONS, SECONDS)
        trial.run()
        print(f"\n{trial.report()}")  # noqa: T201 - the counts are wanted
    assert list(trial.violations()) == []
    fates = {letter.fate for letter in trial.letters}
    assert {Fate.ACCEPTED, Fate.REFUSED} <= fates
    assert trial.ended == {"SIGKILL": 3, "SIGTERM": 2}
    codes = trial.clients.ledger.codes
    assert codes["451"], "no trouble reached a client"
    assert codes["lost after the final dot"] + codes["lost before the final dot"], "no connection was lost"
