"""The conversation's check reports what the front end observed, by the same names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postern.checks.conversation import SPEC, ConversationPolicy, evaluate
from postern.contract import Required
from postern.model import ResultWord
from postern_frontend.incoming import Observed
from tests.transactions import make_transaction, transaction_from_file


@pytest.mark.parametrize(
    ("observations", "word"),
    [
        ((), ResultWord.PASS),
        (("SMTP_LONG_LINE",), ResultWord.PASS),
        (("SMTP_LONG_LINE", "SMTP_EARLY_TALKER"), ResultWord.FAIL),
        (("SMTP_BARE_LINE_END", "SMTP_BARE_LINE_END"), ResultWord.FAIL),
    ],
)
def test_each_observation_is_a_finding_once(observations: tuple[str, ...], word: ResultWord) -> None:
    transaction = replace(make_transaction(), observations=observations)
    found = evaluate(transaction, policy=ConversationPolicy(), required=Required({}))
    assert found.result is word
    assert [one.symbol for one in found.findings] == list(dict.fromkeys(observations))


def test_a_file_had_no_conversation() -> None:
    found = evaluate(transaction_from_file(), policy=ConversationPolicy(), required=Required({}))
    assert (found.result, found.findings) == (ResultWord.NONE, ())


def test_everything_the_front_end_observes_has_a_symbol() -> None:
    assert {one.value for one in Observed} == {one.name for one in SPEC.symbols}
