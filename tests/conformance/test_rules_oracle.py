"""Debian's stock rules, read and evaluated here, against what SpamAssassin 4.0.1 itself found in the same messages.

`bench/parity.py` does the same over all 3,023 messages and lists every rule that differs.
"""

from __future__ import annotations

from collections import Counter

import pytest

from postern.message import parse_message
from postern.rules.engine import CompiledRules, compile_rules
from postern.rules.parser import read_rules
from postern.rules.plan import pattern_problems
from tests.conformance.spamassassin_rules import oracle_cases, rule_files, rules_folder
from tests.material import corpora, vectors

EVERY = 30
"""Each message takes some 40 ms with the stock rules."""

ORACLE = vectors("spamassassin", "oracle", "sa-4.0.1-dev-corpus.json.gz")
CORPUS = corpora("spamassassin-dev.tar.gz")
OTHER_POLICY = frozenset(
    "check_from_in_default_welcomelist check_to_in_blocklist check_to_in_more_spam check_to_in_all_spam"
    " check_subject_in_welcomelist check_subject_in_blocklist".split()
)
"""Functions over lists that are sender lists here; the stock files give them nothing to find."""


@pytest.fixture(scope="module")
def stock() -> CompiledRules:
    folder = rules_folder()
    if folder is None:
        pytest.skip("SpamAssassin's rule files are not here: set SPAMASSASSIN_RULES or `apt-get install spamassassin`")
    return compile_rules(read_rules(rule_files(folder)))


def test_the_stock_rules_are_read_without_a_problem_but_functions_of_other_policy(stock: CompiledRules) -> None:
    assert stock.book.problems == ()
    assert {problem.text.split("'")[1] for problem in stock.problems} <= OTHER_POLICY
    assert pattern_problems(stock.book) == ()


def test_hits_agree_with_spamassassins_own(stock: CompiledRules) -> None:
    counts: Counter[str] = Counter()
    for case in oracle_cases(ORACLE, CORPUS, EVERY):
        found = stock.evaluate(parse_message(case.message))
        visible = frozenset(hit.name for hit in found.hits)
        every = visible | frozenset(found.sub_rules)
        counts["all"] += len(every | case.hits)
        counts["all agree"] += len(every & case.hits)
        counts["eval-free"] += len(case.eval_free)
        counts["eval-free agree"] += len(case.eval_free & every)
        counts["visible"] += len(visible | case.visible)
        counts["visible agree"] += len(visible & case.visible)
    assert counts["eval-free agree"] / counts["eval-free"] >= 0.999
    assert counts["all agree"] / counts["all"] >= 0.998
    assert counts["visible agree"] / counts["visible"] >= 0.98
