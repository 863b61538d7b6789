"""Meta expressions: rule names, numbers, `&& || ! ^ + - * / < <= > >= == != ? :` and parentheses, as Perl reads them.

A rule's value is how often it hit. As in Perl, `A && B` is the value of B when A is true, and `A || B` that of A.

MetaError    an expression that cannot be read; the text says where
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

MAX_DEPTH = 100
MAX_TOKENS = 5_000
_TOKEN = re.compile(
    r"\s*(?:(?P<call>rules_matching\(\s*[\w*?]{1,128}\s*\))|(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/<>!()^?:]))"
)
_CALL = re.compile(r"rules_matching\(\s*([\w*?]+)\s*\)")

Values = Mapping[str, float]
Evaluator = Callable[[Values], float]


class MetaError(ValueError):
    """An expression that is not one."""


@dataclass(frozen=True, slots=True)
class MetaExpression:
    """A compiled expression, the rules it names, and the patterns of `rules_matching` (`*` and `?`) it holds.

    `idle` is its value when none of the named rules hit.
    """

    names: frozenset[str]
    globs: frozenset[str]
    evaluate: Evaluator
    idle: float


_BINARY: tuple[Mapping[str, Callable[[float, float], float]], ...] = (
    {"^": lambda left, right: float(int(left) ^ int(right))},
    {"==": operator.eq, "!=": operator.ne},
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": lambda left, right: left / right if right else 0.0},
)
"""From the loosest to the tightest binding, below `||` and `&&`."""


def compile_meta(text: str, matching: Mapping[str, frozenset[str]] | None = None) -> MetaExpression:
    """The compiled form of an expression. `matching` gives the rules that each pattern of `rules_matching` stands for.

    Raises `MetaError`.
    """
    tokens = list(_tokens(text))
    globs = frozenset(found[1] for token in tokens if (found := _CALL.match(token)))
    known = matching or {}
    reader = _Reader(tokens, known)
    evaluate = reader.conditional(0) if tokens else _nothing
    if reader.position != len(tokens):
        raise MetaError(f"unexpected {tokens[reader.position]!r}")
    names = {token for token in tokens if (token[0].isalpha() or token[0] == "_") and token[-1] != ")"}
    names.update(*(known.get(one, frozenset()) for one in globs))
    return MetaExpression(frozenset(names - {"local_tests_only"}), globs, evaluate, float(evaluate({})))


def _nothing(_: Values) -> float:
    return 0.0


def _tokens(text: str) -> Iterator[str]:
    position, stripped = 0, text.rstrip()
    for _ in range(MAX_TOKENS):
        if position >= len(stripped):
            return
        found = _TOKEN.match(stripped, position)
        if found is None:
            raise MetaError(f"unexpected {stripped[position : position + 10]!r}")
        position = found.end()
        yield found.group().strip()
    raise MetaError(f"an expression has at most {MAX_TOKENS} words")


class _Reader:
    """A recursive descent over the tokens, bounded in depth."""

    def __init__(self, tokens: list[str], matching: Mapping[str, frozenset[str]]) -> None:
        self.tokens = tokens
        self.position = 0
        self.matching = matching

    def conditional(self, depth: int) -> Evaluator:
        test = self._disjunction(depth)
        if self._peek() != "?":
            return test
        self._next()
        yes = self.conditional(depth + 1)
        self._expect(":")
        no = self.conditional(depth + 1)
        return lambda values: yes(values) if test(values) else no(values)

    def _disjunction(self, depth: int) -> Evaluator:
        operands = [self._conjunction(depth)]
        while self._peek() == "||":
            self._next()
            operands.append(self._conjunction(depth))
        return operands[0] if len(operands) == 1 else _any(tuple(operands))

    def _conjunction(self, depth: int) -> Evaluator:
        operands = [self._level(0, depth)]
        while self._peek() == "&&":
            self._next()
            operands.append(self._level(0, depth))
        return operands[0] if len(operands) == 1 else _all(tuple(operands))

    def _level(self, at: int, depth: int) -> Evaluator:
        """The operators of one precedence, left to right."""
        if at == len(_BINARY):
            return self._operand(depth)
        left = self._level(at + 1, depth)
        while self._peek() in _BINARY[at]:
            apply = _BINARY[at][self._next()]
            left = _binary(apply, left, self._level(at + 1, depth))
        return left

    def _operand(self, depth: int) -> Evaluator:
        if depth > MAX_DEPTH:
            raise MetaError("the expression is nested too deeply")
        token = self._next()
        if token == "!":
            return _not(self._operand(depth + 1))
        if token in "+-":
            inner = self._operand(depth + 1)
            return (lambda values: -inner(values)) if token == "-" else inner
        if token == "(":
            return self._parenthesis(depth + 1)
        return self._leaf(token)

    def _parenthesis(self, depth: int) -> Evaluator:
        if self._peek() == ")":
            self._next()
            return _nothing
        inner = self.conditional(depth)
        if self._next() != ")":
            raise MetaError("a parenthesis is not closed")
        return inner

    def _leaf(self, token: str) -> Evaluator:
        call = _CALL.match(token)
        if call:
            names = tuple(sorted(self.matching.get(call[1], ())))
            return lambda values: sum(values.get(name, 0.0) for name in names)
        if token[0].isdigit() or token[0] == ".":
            return _constant(float(token))
        if token == "local_tests_only":
            return _constant(1.0)
        if token[0].isalpha() or token[0] == "_":
            return lambda values: values.get(token, 0.0)
        raise MetaError(f"unexpected {token!r}")

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _expect(self, wanted: str) -> None:
        if self._next() != wanted:
            raise MetaError(f"expected {wanted!r}")

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise MetaError("the expression ends too early")
        self.position += 1
        return token


def _constant(number: float) -> Evaluator:
    return lambda _: number


def _not(inner: Evaluator) -> Evaluator:
    return lambda values: 0.0 if inner(values) else 1.0


def _binary(apply: Callable[[float, float], float], left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda values: float(apply(left(values), right(values)))


def _all(operands: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(values: Values) -> float:
        value = 0.0
        for operand in operands:
            value = operand(values)
            if not value:
                return 0.0
        return value

    return evaluate


def _any(operands: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(values: Values) -> float:
        for operand in operands:
            value = operand(values)
            if value:
                return value
        return 0.0

    return evaluate
