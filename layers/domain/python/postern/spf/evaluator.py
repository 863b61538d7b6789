"""`check_host` of RFC 7208 §4: evaluates a domain's policy for one client and identity.

SpfError
├── PermanentError    permerror: the published policy is wrong or too expensive
└── TemporaryError    temperror: the DNS did not answer
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from postern.dns import MAX_NAME_LENGTH, DnsAnswer, DnsStatus, Question, canonical_name, is_askable
from postern.model import ResultWord
from postern.ports import Resolver
from postern.spf.identity import SpfRequest, is_checkable
from postern.spf.macro import EXPLANATION_LETTERS, MacroError, MacroString, parse_macro_string
from postern.spf.record import (
    Address,
    All,
    Exists,
    Include,
    MailExchange,
    Mechanism,
    Network,
    Pointer,
    Record,
    RecordError,
    parse_record,
    select_records,
)

# RFC 7208 §4.6.4
MAX_LOOKUPS = 10
MAX_VOID_LOOKUPS = 2
MAX_MX_NAMES = 10
MAX_PTR_NAMES = 10

MAX_EXPLANATION_LENGTH = 500
NO_PTR_NAME = "unknown"
DEFAULT_MECHANISM = "default"


class SpfError(Exception):
    """Evaluation ended without a verdict; the text says why."""

    result = ResultWord.TEMPERROR


class PermanentError(SpfError):
    """The policy cannot be interpreted (§2.6.7)."""

    result = ResultWord.PERMERROR


class TemporaryError(SpfError):
    """A question could not be answered now (§2.6.6)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `check_host`; `mechanism` is the term that decided, `problem` why there is none."""

    result: ResultWord
    mechanism: str = ""
    explanation: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Match:
    """The result of one record, where it stands and its `exp`."""

    result: ResultWord
    domain: str
    mechanism: str = ""
    explanation: MacroString | None = None


def check_host(request: SpfRequest, resolver: Resolver) -> Verdict:
    """The SPF result of `request.identity` for `request.client_ip`; always an answer."""
    if not is_checkable(request.domain):
        return Verdict(ResultWord.NONE, problem="the identity has no domain that can have a policy")
    evaluation = _Evaluation(request, resolver)
    try:
        match = evaluation.check(request.domain)
    except SpfError as error:
        return Verdict(error.result, problem=str(error))
    problem = "the domain has no SPF record" if match.result is ResultWord.NONE else ""
    return Verdict(match.result, match.mechanism, evaluation.explain(match), problem)


class _Evaluation:
    """One run of `check_host` with its includes and redirects, which share the limits of §4.6.4."""

    def __init__(self, request: SpfRequest, resolver: Resolver) -> None:
        self._request = request
        self._resolver = resolver
        self._lookups = 0
        self._voids = 0
        self._client_names: tuple[str, ...] | None = None

    def check(self, domain: str) -> _Match:
        """The result of `domain`'s policy; raises `SpfError`."""
        record = self._record(domain)
        if record is None:
            return _Match(ResultWord.NONE, domain)
        for directive in record.directives:
            if self._matches(directive.mechanism, domain):
                return _Match(directive.result, domain, directive.text, record.explanation)
        if record.redirect is not None:
            return self._redirect(record.redirect, domain)
        return _Match(ResultWord.NEUTRAL, domain, DEFAULT_MECHANISM)

    def explain(self, match: _Match) -> str:
        """The domain's explanation of a fail, or nothing whatever goes wrong with it (§6.2)."""
        if match.result is not ResultWord.FAIL or match.explanation is None:
            return ""
        answer = self._ask(self._expand(match.explanation, match.domain), "TXT")
        if len(answer.records) != 1 or not answer.records[0].isascii():
            return ""
        try:
            text = parse_macro_string(answer.records[0], EXPLANATION_LETTERS, spaces=True)
        except MacroError:
            return ""
        explanation = text.expand(lambda letter: self._value(letter, match.domain))[:MAX_EXPLANATION_LENGTH]
        return "".join(character if character.isprintable() else "?" for character in explanation)

    # --- records ------------------------------------------------------------------------------------------

    def _record(self, domain: str) -> Record | None:
        answer = self._ask(domain, "TXT")
        if answer.failed:
            raise TemporaryError(f"TXT of {domain}: {answer.status}")
        records = select_records(answer.records)
        if len(records) > 1:
            raise PermanentError(f"{domain} has {len(records)} SPF records")
        try:
            return parse_record(records[0]) if records else None
        except RecordError as wrong:
            raise PermanentError(f"record of {domain}: {wrong}") from wrong

    def _redirect(self, redirect: MacroString, domain: str) -> _Match:
        target = self._count_term_and_expand(redirect, domain)
        match = self.check(target) if is_checkable(target) else _Match(ResultWord.NONE, target)
        if match.result is ResultWord.NONE:
            raise PermanentError(f"{domain} redirects to {target[:80]!r}, which has no policy")
        return match

    # --- mechanisms ---------------------------------------------------------------------------------------

    def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        match mechanism:
            case All():
                return True
            case Network(network):
                return self._request.client_ip in network
        target = self._count_term_and_expand(mechanism.target, domain)
        match mechanism:
            case Include():
                return self._includes(target)
            case Address():
                return self._covers(self._term_answer(target, self._request.address_type).records, mechanism)
            case MailExchange():
                return self._covers(self._exchange_addresses(target), mechanism)
            case Pointer():
                return any(_is_within(name, target) for name in self._confirmed_names(counts_void=True))
            case Exists():
                return bool(self._term_answer(target, "A").records)

    def _includes(self, target: str) -> bool:
        # §5.2: none is permerror here, for the record relies on a policy that is not there.
        match = self.check(target) if is_checkable(target) else _Match(ResultWord.NONE, target)
        if match.result is ResultWord.NONE:
            raise PermanentError(f"included {target[:80]!r} has no policy")
        return match.result is ResultWord.PASS

    def _exchange_addresses(self, target: str) -> tuple[str, ...]:
        exchanges = self._term_answer(target, "MX").records
        names = [record.partition(" ")[2] for record in exchanges]
        if len(names) > MAX_MX_NAMES:
            raise PermanentError(f"{target} has more than {MAX_MX_NAMES} mail exchanges")
        answers = self._ask_addresses(name for name in names if name not in ("", "."))
        addresses = tuple(record for answer in answers for record in answer.records)
        if not addresses:
            self._refuse_failures(answers, f"mail exchanges of {target}")
        self._count_void(any(_is_void(answer) for answer in answers))
        return addresses

    def _covers(self, addresses: Iterable[str], mechanism: Address | MailExchange) -> bool:
        client = self._request.client_ip
        prefix = mechanism.ipv4_prefix if client.version == 4 else mechanism.ipv6_prefix
        host_bits = client.max_prefixlen - prefix
        numbers = (_address_number(address, client.version) for address in addresses)
        return any(number is not None and number >> host_bits == int(client) >> host_bits for number in numbers)

    def _confirmed_names(self, *, counts_void: bool = False) -> tuple[str, ...]:
        """The client's PTR names that lead back to it (§5.5); DNS trouble means fewer names, never an error."""
        if self._client_names is None:
            pointers = self._ask(canonical_name(self._request.client_ip.reverse_pointer), "PTR")
            self._count_void(counts_void and _is_void(pointers))
            names = pointers.records[:MAX_PTR_NAMES]
            answers = self._ask_addresses(names)
            self._client_names = tuple(
                name for name, answer in zip(names, answers, strict=True) if self._is_client_among(answer.records)
            )
        return self._client_names

    def _is_client_among(self, addresses: Iterable[str]) -> bool:
        client = self._request.client_ip
        return any(_address_number(address, client.version) == int(client) for address in addresses)

    # --- limits and questions -----------------------------------------------------------------------------

    def _count_lookup(self) -> None:
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise PermanentError(f"more than {MAX_LOOKUPS} terms that ask the DNS")

    def _count_void(self, void: bool) -> None:
        """Count a term, once, whose questions have an empty answer."""
        self._voids += void
        if self._voids > MAX_VOID_LOOKUPS:
            raise PermanentError(f"more than {MAX_VOID_LOOKUPS} terms that ask for what does not exist")

    def _count_term_and_expand(self, target: MacroString | None, domain: str) -> str:
        self._count_lookup()
        if target is None:
            return domain
        if target.uses("p") and self._client_names is None:
            self._count_lookup()
        return self._expand(target, domain)

    def _term_answer(self, name: str, rdtype: str) -> DnsAnswer:
        answer = self._ask(name, rdtype)
        self._refuse_failures((answer,), f"{rdtype} of {name}")
        self._count_void(_is_void(answer))
        return answer

    def _ask(self, name: str, rdtype: str) -> DnsAnswer:
        if not name.isascii() or not is_askable(name):
            return DnsAnswer(DnsStatus.INVALID_NAME)  # RFC 8616 §4: a name that cannot be asked does not match
        return self._resolver.query(name, rdtype)

    def _ask_addresses(self, names: Iterable[str]) -> tuple[DnsAnswer, ...]:
        return self._resolver.query_all([Question(name, self._request.address_type) for name in names])

    @staticmethod
    def _refuse_failures(answers: Iterable[DnsAnswer], what: str) -> None:
        for answer in answers:
            if answer.failed:
                raise TemporaryError(f"{what}: {answer.status}")

    # --- macros -------------------------------------------------------------------------------------------

    def _expand(self, target: MacroString, domain: str) -> str:
        """The name that is asked for; when it is too long, labels are taken off its left (§7.3)."""
        name = target.expand(lambda letter: self._value(letter, domain)).removesuffix(".")
        excess = len(name) - MAX_NAME_LENGTH
        return name[name.find(".", excess - 1) + 1 :] if excess > 0 else name

    def _value(self, letter: str, domain: str) -> str:
        """The value of a macro (§7.2)."""
        if letter == "p":
            return self._client_name(domain)
        return domain if letter == "d" else self._request.macro_values()[letter]

    def _client_name(self, domain: str) -> str:
        names = self._confirmed_names()
        same = [name for name in names if canonical_name(name) == canonical_name(domain)]
        below = [name for name in names if _is_within(name, domain)]
        return next(iter((*same, *below, *names)), NO_PTR_NAME)


def _is_within(name: str, domain: str) -> bool:
    return f".{canonical_name(name)}".endswith(f".{canonical_name(domain)}")


def _is_void(answer: DnsAnswer) -> bool:
    return answer.status in (DnsStatus.NO_DATA, DnsStatus.NXDOMAIN)


def _address_number(text: str, version: int) -> int | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return int(address) if address.version == version else None
