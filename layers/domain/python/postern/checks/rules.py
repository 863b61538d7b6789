"""The spam filter's rules: `.cf` files in SpamAssassin's language, those of Postern, a stock set, the operator's."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.evidence import IprevEvidence, RulesEvidence
from postern.message import Message
from postern.model import CheckResult, Direction, Finding, Points, ResultWord, Transaction
from postern.policy import CheckPolicy, Mode, setting
from postern.ports import RuleSets
from postern.rules.definitions import RuleBook, RuleKind
from postern.rules.engine import CompiledRules, compile_rules
from postern.rules.inspection import NOTHING_KNOWN, Circumstances
from postern.rules.parser import read_rules
from postern.rules.relays import Relay
from postern.rules.rule_set import RuleSet
from postern.rules.scanner import ScannerError
from postern.wire import truncate

MAX_DETAIL = 160
ABOUT_THE_BODY = frozenset({RuleKind.BODY, RuleKind.RAWBODY, RuleKind.URI, RuleKind.URI_DETAIL, RuleKind.MIMEHEADER})
NOT_LEARNT = frozenset({"noautolearn", "learn", "userconf"})
NO_FLAGS: frozenset[str] = frozenset()
NOTHING_STORED = RuleSet()
COMPILED_KEPT = 3
"""Compiled sets that are kept: with a stock set each is some 50 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPolicy(CheckPolicy):
    """Which rules are tried."""

    mode: Mode = setting(Mode.SCORE, "off, observe, score or enforce")
    required: bool = setting(True, "defer the message when the rules could not be tried")
    shipped: bool = setting(True, "use the rules that come with Postern")
    stored: bool = setting(True, "use the stock set and the files that `postern rules` has stored")
    local: str = setting("", "a few rules of your own, as the text of a .cf file")


SPEC = CheckSpec(
    check_id="rules",
    title="Spam filter rules",
    phase=Phase.CONTENT,
    policy=RulesPolicy,
    evidence=RulesEvidence,
    symbols=(symbol("RULES_TIMED_OUT", 0, "a rule's pattern took too long and was not counted"),),
    requires=("iprev",),
    needs=frozenset({Needs.MESSAGE, Needs.RULES}),
    seconds=12,
    memory_mb=1769,
    layers=("scan",),
    own_symbols=True,
    directions=frozenset(Direction),
    standards=("SpamAssassin rule language",),
)


def evaluate(
    transaction: Transaction,
    *,
    policy: RulesPolicy,
    required: Required,
    message: Message,
    rules: RuleSets | None = None,
) -> CheckResult[RulesEvidence]:
    """Every rule that hits, with its points; `fail` when their sum is positive, else `pass` or `none`."""
    stored = rules.current() if rules and policy.stored else NOTHING_STORED
    compiled = _compiled(policy.shipped, _with_database(stored, rules, policy), policy.local)
    evaluation = compiled.evaluate(message, _circumstances(transaction, required))
    findings = [
        Finding(
            hit.name,
            truncate(f"{hit.description}: {hit.matched}" if hit.matched else hit.description, MAX_DETAIL),
            hit.score,
        )
        for hit in evaluation.hits
    ]
    findings += [Finding("RULES_TIMED_OUT", name) for name in evaluation.timed_out]
    total = Points(sum(hit.score for hit in evaluation.hits))
    word = ResultWord.FAIL if total > 0 else ResultWord.PASS if evaluation.hits else ResultWord.NONE
    hits = tuple(hit.name for hit in evaluation.hits)
    properties = {"hits": list(hits), **({"stored": stored.version} if stored.version else {})}
    return CheckResult("rules", word, tuple(findings), evidence=_evidence(compiled.book, hits), properties=properties)


def _evidence(book: RuleBook, hits: tuple[str, ...]) -> RulesEvidence:
    """What the hits look at; rules of several parts, and functions, may look at everything."""
    header = tuple(name for name in hits if book.rules[name].kind is RuleKind.HEADER)
    body = tuple(name for name in hits if book.rules[name].kind in ABOUT_THE_BODY)
    not_learnt = tuple(name for name in hits if NOT_LEARNT & book.flags.get(name, NO_FLAGS))
    return RulesEvidence(hits, header, body, not_learnt)


def _circumstances(transaction: Transaction, required: Required) -> Circumstances:
    """How the message came, for rules about relays; of a message from a file only its own fields tell."""
    session, envelope = transaction.session, transaction.envelope
    if session is None or session.client_ip is None or envelope is None:
        return NOTHING_KNOWN
    reverse = required.evidence("iprev", IprevEvidence)
    client = Relay(
        ip=session.client_ip,
        helo=session.helo_identity,
        rdns=reverse.names[0].rstrip(".") if reverse and reverse.names else "",
        authenticated="ESMTPA" if session.authenticated_as else "",
        looked_up=reverse is not None,
    )
    return Circumstances(client, envelope.reverse_path or "", transaction.received_at)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A rule set that is known by its version: the texts are neither compared nor hashed for every message.

    `digest` is that of the database at hand, or empty: a set is made ready again when its database arrives.
    """

    version: str
    digest: str
    rule_set: RuleSet = field(compare=False)
    database: bytes | None = field(compare=False)


def _with_database(stored: RuleSet, rules: RuleSets | None, policy: RulesPolicy) -> _Stored:
    """A set with its database where that fits: it was made of the shipped and the stored rules, and of no others."""
    fits = rules is not None and policy.stored and policy.shipped and not policy.local and stored.database is not None
    database = rules.database(stored) if fits and rules else None
    digest = stored.database.digest if database is not None and stored.database else ""
    return _Stored(stored.version, digest, stored, database)


@lru_cache(maxsize=COMPILED_KEPT)
def _compiled(shipped: bool, stored: _Stored, local: str) -> CompiledRules:
    book = rule_book(stored.rule_set, shipped=shipped, local=local)
    try:
        return compile_rules(book, database=stored.database)
    except ScannerError:
        return compile_rules(book)


def rule_book(stored: RuleSet, *, shipped: bool = True, local: str = "") -> RuleBook:
    """The rules in the order in which the check reads them."""
    files = [*(shipped_files() if shipped else ()), *stored.files()]
    if local:
        files.append(("local.cf", local))
    return read_rules(files, stored.includable())


def shipped_files() -> list[tuple[str, str]]:
    """The rules that come with Postern: names and texts in the order they are read."""
    folder = resources.files("postern.rules") / "shipped"
    found = [(item.name, item.read_text(encoding="utf-8")) for item in folder.iterdir() if item.name.endswith(".cf")]
    return sorted(found)
