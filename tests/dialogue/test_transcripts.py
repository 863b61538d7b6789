from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.dialogue.transcript import Transcript, hold_alone, hold_over_socket, read

TRANSCRIPTS = [read(path) for path in sorted((Path(__file__).parent / "transcripts").glob("*.txt"))]
by_name = pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)


@by_name
def test_the_protocol_object_holds_the_dialogue(transcript: Transcript) -> None:
    hold_alone(transcript)


@by_name
@pytest.mark.parametrize("in_threads", [False, True], ids=["at once", "from threads"])
def test_the_running_receiver_holds_the_dialogue(transcript: Transcript, in_threads: bool) -> None:
    asyncio.run(hold_over_socket(transcript, in_threads=in_threads))


def test_every_dialogue_says_what_it_proves() -> None:
    for path in (Path(__file__).parent / "transcripts").glob("*.txt"):
        assert path.read_text(encoding="utf-8").startswith("# "), path.name
