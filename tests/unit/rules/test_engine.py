"""Rules against messages: what each kind looks at, metas, time limits, and the rules that are shipped."""

from __future__ import annotations

from email.utils import format_datetime

import pytest

from postern.checks import rules
from postern.contract import Required
from postern.message import parse_message
from postern.model import ResultWord
from postern.rules.engine import Evaluation, compile_rules
from postern.rules.parser import read_rules
from postern.rules.plan import pattern_problems
from tests.transactions import RECEIVED_AT, make_transaction

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MAIL = (
    b"From: Ann <ann@Sender.example>\r\nTo: bob@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Content-Type: text/html\r\n\r\n<p>Hello <b>wor</b>ld</p><a href='http://192.0.2.7/x'>here</a>\r\n"
)


def evaluated(text: str, raw: bytes = MAIL) -> Evaluation:
    compiled = compile_rules(read_rules([("t.cf", text)]))
    assert not compiled.problems
    return compiled.evaluate(parse_message(raw))


@pytest.mark.parametrize(
    "line",
    [
        "header H From =~ /Ann/",
        "header H From:addr =~ /^ann@sender\\.example$/i",
        "header H From:name =~ /^Ann$/",
        "header H Subject =~ /^Gr\u00fc\u00dfe$/",
        "header H Subject:raw =~ /=C3=BC/",
        "header H ToCc =~ /bob/",
        "header H X-None =~ /^no$/ [if-unset: no]",
        "header H X-None =~ /^$/",
        "header H X-None !~ /a/",
        "header H Subject !~ /pills/",
        "header H exists:To",
        "header H ALL =~ /^To: bob/m",
        "body H /Hello world/",
        "rawbody H /<b>wor<\\/b>/",
        "uri H m{^http://192\\.0\\.2\\.7}",
        "full H /Subject: =\\?utf-8/",
    ],
)
def test_each_kind_sees_its_view_of_the_message(line: str) -> None:
    assert [hit.name for hit in evaluated(line).hits] == ["H"]


@pytest.mark.parametrize(
    "line", ["header H X-None =~ /./", "header H exists:Cc", "body H /<b>/", "header H Subject !~ /Gr/"]
)
def test_and_nothing_else(line: str) -> None:
    assert evaluated(line).hits == ()


@pytest.mark.parametrize(
    ("expression", "hits"),
    [
        ("A && !B", True),
        ("A && B", False),
        ("(A + A + C) >= 3", True),
        ("A - A > 0", False),
        ("OTHER || B", True),
        ("A / B", False),
        ("NEVER_DEFINED", False),
    ],
)
def test_metas_combine_rules_and_other_metas(expression: str, hits: bool) -> None:
    text = f"body __A0 /Hello/\nmeta A __A0\nbody B /absent/\nbody C /world/\nmeta M {expression}\nmeta OTHER A"
    assert ("M" in [hit.name for hit in evaluated(text).hits]) is hits


def test_sub_rules_have_no_score_of_their_own() -> None:
    found = evaluated("body __S /Hello/")
    assert (found.hits, found.sub_rules) == ((), ("__S",))


def test_a_pattern_that_runs_away_is_stopped_and_told() -> None:
    raw = b"Subject: x\r\n\r\n" + b"a" * 2_000 + b"!\r\n"
    assert evaluated("body SLOW /^(?:a|a|aa)+$/", raw).timed_out == ("SLOW",)


def test_a_pattern_that_cannot_be_compiled_is_told_and_the_rest_works() -> None:
    compiled = compile_rules(read_rules([("t.cf", "body BAD /(/\nbody OK /Hello/")]))
    assert [str(problem)[:12] for problem in pattern_problems(compiled.book)] == ["t.cf:1: BAD:"]
    assert [hit.name for hit in compiled.evaluate(parse_message(MAIL)).hits] == ["OK"]


def judged(raw: bytes, policy: rules.RulesPolicy | None = None) -> dict[str, int]:
    found = rules.evaluate(
        make_transaction(), policy=policy or rules.RulesPolicy(), required=Required({}), message=parse_message(raw)
    )
    return {finding.symbol: finding.score or 0 for finding in found.findings}


def test_gtube_scores_a_thousand() -> None:
    assert judged(MAIL.replace(b"Hello", GTUBE))["GTUBE"] == 100_000


def test_the_shipped_rules_have_no_problems_and_are_all_described() -> None:
    compiled = compile_rules(read_rules(rules.shipped_files()))
    own = [rule.name for rule in compiled.book.rules.values() if not rule.is_sub_rule]
    assert compiled.book.problems == ()
    assert [name for name in own if name not in compiled.book.descriptions] == []
    assert [name for name in own if name not in compiled.book.scores] == []


def test_a_plain_letter_hits_nothing() -> None:
    raw = (
        b"From: Ann <ann@sender.example>\r\nTo: bob@example.com\r\nSubject: Lunch\r\n"
        b"Date: "
        + format_datetime(RECEIVED_AT).encode()
        + b"\r\nMessage-ID: <1@sender.example>\r\n\r\nShall we meet at noon?\r\n"
    )
    assert judged(raw) == {}


def test_the_operator_can_bring_rules() -> None:
    policy = rules.RulesPolicy(local="body LOCAL_HELLO /Hello/\nscore LOCAL_HELLO 3")
    assert judged(MAIL, policy)["LOCAL_HELLO"] == 300


@pytest.mark.parametrize(
    ("rule", "word"),
    [("score H 1", ResultWord.FAIL), ("score H -1", ResultWord.PASS), ("describe H x\nscore H 0", ResultWord.NONE)],
)
def test_the_result_word_follows_the_sum(rule: str, word: ResultWord) -> None:
    policy = rules.RulesPolicy(shipped=False, local=f"body H /Hello/\n{rule}")
    found = rules.evaluate(make_transaction(), policy=policy, required=Required({}), message=parse_message(MAIL))
    assert found.result is word


@pytest.mark.parametrize(("subject", "hits"), [(b"from Ann", []), (b"from Bob", ["H"])])
def test_a_negated_pattern_with_a_template_hits_only_where_it_does_not_match(subject: bytes, hits: list[str]) -> None:
    rules_text = "header __WHO From:name =~ /^(?<WHO>\\w+)$/\nheader H Subject !~ /from %{WHO}/\nscore H 1"
    evaluation = evaluated(rules_text, b"From: Ann <ann@sender.example>\r\nSubject: " + subject + b"\r\n\r\n")
    assert [hit.name for hit in evaluation.hits] == hits
