"""Meta expressions: rule names, numbers, `&& || ! + - * / < <= > >= == !=` and parentheses.

MetaError    an expression that cannot be read; the text says where
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

MAX_DEPTH = 100
_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>&&|\|\||[<>=!]=|[-+*/<>!()]))")

Values = Mapping[str, float]
Evaluator = Callable[[Values], float]


class MetaError(ValueError):
    """An expression that is not one."""


@dataclass(frozen=True, slots=True)
class MetaExpression:
    """A compiled expression and the rules it names."""

    names: frozenset[str]
    evaluate: Evaluator


_OPERATORS: tuple[Mapping[str, Callable[[float, float], float]], ...] = (
    {"||": lambda left, right: float(bool(left) or bool(right))},
    {"&&": lambda left, right: float(bool(left) and bool(right))},
    {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": lambda left, right: left / right if right else 0.0},
)
"""From the loosest to the tightest binding, as in Perl."""


def compile_meta(text: str) -> MetaExpression:
    """The compiled form of an expression. Raises `MetaError`."""
    tokens = list(_tokens(text))
    reader = _Reader(tokens)
    evaluate = reader.level(0, 0)
    if reader.position != len(tokens):
        raise MetaError(f"unexpected {tokens[reader.position]!r}")
    return MetaExpression(frozenset(token for token in tokens if token[0].isalpha() or token[0] == "_"), evaluate)


def _tokens(text: str) -> Iterator[str]:
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if found is None:
            raise MetaError(f"unexpected {stripped[position : position + 10]!r}")
        position = found.end()
        yield found.group().strip()


class _Reader:
    """A recursive descent over the tokens, bounded in depth."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0

    def level(self, at: int, depth: int) -> Evaluator:
        """The operators of one precedence, left to right."""
        if at == len(_OPERATORS):
            return self._operand(depth)
        left = self.level(at + 1, depth)
        while self._peek() in _OPERATORS[at]:
            apply = _OPERATORS[at][self._next()]
            left = _binary(apply, left, self.level(at + 1, depth))
        return left

    def _operand(self, depth: int) -> Evaluator:
        if depth > MAX_DEPTH:
            raise MetaError("the expression is nested too deeply")
        token = self._next()
        if token == "!":
            inner = self._operand(depth + 1)
            return lambda values: float(not inner(values))
        if token == "-":
            inner = self._operand(depth + 1)
            return lambda values: -inner(values)
        if token == "(":
            inner = self.level(0, depth + 1)
            if self._next() != ")":
                raise MetaError("a parenthesis is not closed")
            return inner
        return _leaf(token)

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise MetaError("the expression ends too early")
        self.position += 1
        return token


def _binary(apply: Callable[[float, float], float], left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda values: float(apply(left(values), right(values)))


def _leaf(token: str) -> Evaluator:
    if token[0].isdigit():
        number = float(token)
        return lambda _: number
    if token[0].isalpha() or token[0] == "_":
        return lambda values: values.get(token, 0.0)
    raise MetaError(f"unexpected {token!r}")
