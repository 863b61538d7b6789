"""Running checks: the same way in a Lambda, in `postern scan` and in tests.

A check is skipped where policy says so, given exactly the effects it declared, and timed; its DNS look-ups are
recorded; whatever it raises becomes `temperror`, because our trouble is never the sender's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from postern.contract import Check, CheckSpec, Needs, Required
from postern.dns import DnsAnswer, Question
from postern.model import CheckResult, DnsLookup, Finding, Points, ResultWord, Transaction
from postern.policy import CheckPolicy, Mode
from postern.policy_book import ResolvedPolicy
from postern.ports import Resolver
from postern.result_size import capped

MAX_LOOKUPS_KEPT = 40
MAX_RECORDS_KEPT = 10

OBSERVED = "observed_only"
"""The property of a result that no recipient's policy lets count."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the runtime offers: makers of each effect, called only for checks that need it, and a clock in seconds.

    `report` is told of every unforeseen exception, with the check's id; it must not raise.
    """

    makers: Mapping[Needs, Callable[[], Any]]
    seconds: Callable[[], float]
    report: Callable[[str, BaseException], None]


class RecordingResolver:
    """Passes questions on and remembers what was answered, for the receipt."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self._lookups: list[DnsLookup] = []

    @property
    def lookups(self) -> tuple[DnsLookup, ...]:
        """The look-ups so far; bounded."""
        return tuple(self._lookups)

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask one question."""
        answer = self._inner.query(name, rdtype)
        self._remember(Question(name, rdtype), answer)
        return answer

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """Ask several questions at once."""
        answers = self._inner.query_all(questions)
        for question, answer in zip(questions, answers, strict=True):
            self._remember(question, answer)
        return answers

    def _remember(self, question: Question, answer: DnsAnswer) -> None:
        if len(self._lookups) < MAX_LOOKUPS_KEPT:
            name, records = question.shown or question.name, answer.records[:MAX_RECORDS_KEPT]
            self._lookups.append(DnsLookup(name, question.rdtype, answer.status.value, records))


def run_check(
    check: Check,
    transaction: Transaction,
    policy: ResolvedPolicy,
    results: Mapping[str, CheckResult[Any]],
    effects: Effects,
) -> CheckResult[Any]:
    """The result of one check, whatever happens. `results` holds at least those of the checks it requires."""
    spec = check.SPEC
    started = effects.seconds()
    resolver: RecordingResolver | None = None
    try:
        section: CheckPolicy = policy.section(spec.check_id, spec.policy)
        excuse = _excuse(section, transaction)
        if excuse:
            return CheckResult(spec.check_id, ResultWord.SKIPPED, reason=excuse)
        needs = {need.value: effects.makers[need]() for need in spec.needs}
        if Needs.RESOLVER in spec.needs:
            resolver = needs[Needs.RESOLVER.value] = RecordingResolver(needs[Needs.RESOLVER.value])
        required = Required({check_id: results[check_id] for check_id in spec.requires if check_id in results})
        result = _marked(check.evaluate(transaction, policy=section, required=required, **needs), section.mode)
    except Exception as trouble:  # noqa: BLE001 - the one place where a check's unforeseen trouble becomes temperror
        effects.report(spec.check_id, trouble)
        result = CheckResult(spec.check_id, ResultWord.TEMPERROR, reason="the check could not be done")
    lookups = resolver.lookups if resolver else ()
    elapsed = round((effects.seconds() - started) * 1000)
    return capped(replace(_with_default_scores(result, spec), lookups=lookups, milliseconds=elapsed))


def _excuse(section: CheckPolicy, transaction: Transaction) -> str:
    """Why policy does not run the check for this transaction; empty when it does."""
    session = transaction.session
    if section.mode is Mode.OFF:
        return "switched off by policy"
    if session and session.trusted and section.skip_trusted:
        return "the client is trusted"
    if session and session.authenticated_as and section.skip_authenticated:
        return "the session is authenticated"
    return ""


def _marked(result: CheckResult[Any], mode: Mode) -> CheckResult[Any]:
    """Say beside the result that it counts for nobody, so that its points are not read as if they did."""
    if mode is not Mode.OBSERVE:
        return result
    return replace(result, properties={**result.properties, OBSERVED: True})


def _with_default_scores(result: CheckResult[Any], spec: CheckSpec) -> CheckResult[Any]:
    declared = {symbol.name: symbol for symbol in spec.symbols}

    def complete(finding: Finding) -> Finding:
        symbol = declared.get(finding.symbol)
        score = finding.score if finding.score is not None else (symbol.score if symbol else Points(0))
        return replace(finding, score=score, corroborates=finding.corroborates or bool(symbol and symbol.corroborates))

    return replace(result, findings=tuple(complete(finding) for finding in result.findings))
