"""The conditions of `if` and `ifplugin` lines: what of SpamAssassin's world there is here.

ConditionError    a condition that cannot be read
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator

VERSION = 4.000001
"""The version of SpamAssassin whose language this is."""

PERL_VERSION = 5.036
MAX_DEPTH = 20

PLUGINS = frozenset(
    f"Mail::SpamAssassin::Plugin::{name}"
    for name in (
        "AskDNS AutoLearnThreshold Bayes BodyEval Check DKIM DMARC DNSEval FreeMail HTMLEval HTTPSMismatch HashBL"
        " HeaderEval ImageInfo MIMEEval MIMEHeader RelayEval ReplaceTags"
        " SPF URIDNSBL URIDetail URIEval VBounce WLBLEval"
        " WelcomeListSubject RaciallyCharged"
    ).split()
)
"""What those plugins do is done here, by a check of its own or by the functions of rules."""

_FEATURES = frozenset(
    f"Mail::SpamAssassin::Conf::{name}"
    for name in (
        "perl_min_version_5010000 feature_originating_ip_headers feature_dns_local_ports_permit_avoid"
        " feature_bayes_auto_learn_on_error feature_uri_host_listed feature_yesno_takes_args feature_bug6558_free"
        " feature_edns feature_dns_query_restriction feature_registryboundaries feature_geodb feature_dns_block_rule"
        " feature_compile_regexp feature_meta_rules_matching feature_subjprefix feature_bayes_stopwords"
        " feature_get_host feature_blocklist_welcomelist feature_welcomelist_blocklist feature_header_address_parser"
        " feature_local_tests_only feature_header_first_last feature_header_match_many feature_capture_rules"
        " has_tflags_nosubject has_tflags_nolog"
    ).split()
) | frozenset(
    f"Mail::SpamAssassin::Plugin::{name}"
    for name in (
        "BodyEval::has_check_body_length BodyEval::has_plaintext_body_sig_ratio DKIM::has_arc"
        " MIMEEval::has_check_for_ascii_text_illegal MIMEEval::has_check_abundant_unicode_ratio"
        " MIMEEval::has_check_qp_ratio MIMEHeader::has_all_header MIMEHeader::has_tflags_range"
        " MIMEHeader::has_tflags_concat MIMEHeader::has_tflags_multiple MIMEHeader::has_capture_rules"
        " URIDetail::has_host_key SPF::has_check_for_spf_errors"
        " URIDNSBL::has_tflags_domains_only URIDNSBL::has_uridnsbl_for_a"
    ).split()
)
_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_][\w:]*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>&&|\|\||[<>=!]=|[<>!()]))")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class ConditionError(ValueError):
    """A condition that is not one."""


def holds(condition: str) -> bool:
    """Whether an `if` condition is true here. Raises `ConditionError`."""
    reader = _Reader(list(_tokens(condition)))
    value = reader.disjunction(0)
    if reader.peek():
        raise ConditionError(f"unexpected {reader.peek()!r}")
    return bool(value)


def has_plugin(name: str) -> bool:
    """Whether what the plugin does is done here."""
    return name.strip() in PLUGINS


def _tokens(text: str) -> Iterator[str]:
    position, stripped = 0, text.rstrip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if found is None:
            raise ConditionError(f"unexpected {stripped[position : position + 10]!r}")
        position = found.end()
        yield found.group().strip()


class _Reader:
    """A recursive descent over the tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [*tokens, ""]
        self._position = 0

    def peek(self) -> str:
        return self._tokens[self._position]

    def disjunction(self, depth: int) -> float:
        value = self._conjunction(depth)
        while self.peek() == "||":
            self._next()
            right = self._conjunction(depth)
            value = float(bool(value) or bool(right))
        return value

    def _conjunction(self, depth: int) -> float:
        value = self._comparison(depth)
        while self.peek() == "&&":
            self._next()
            right = self._comparison(depth)
            value = float(bool(value) and bool(right))
        return value

    def _comparison(self, depth: int) -> float:
        left = self._operand(depth)
        if self.peek() in _COMPARISONS:
            compare = _COMPARISONS[self._next()]
            return float(compare(left, self._operand(depth)))
        return left

    def _operand(self, depth: int) -> float:
        if depth > MAX_DEPTH:
            raise ConditionError("the condition is nested too deeply")
        token = self._next()
        if token == "!":
            return float(not self._operand(depth + 1))
        if token == "(":
            value = self.disjunction(depth + 1)
            self._expect(")")
            return value
        return self._word(token)

    def _word(self, token: str) -> float:
        if token[:1].isdigit():
            return float(token)
        if token == "version":
            return VERSION
        if token == "perl_version":
            return PERL_VERSION
        if token == "local_tests_only":
            return 1.0
        if token in ("plugin", "can", "has"):
            self._expect("(")
            name = self._next()
            self._expect(")")
            return float(name in (PLUGINS if token == "plugin" else _FEATURES))
        raise ConditionError(f"{token!r} is not known in a condition" if token else "the condition ends too early")

    def _expect(self, wanted: str) -> None:
        if self._next() != wanted:
            raise ConditionError(f"expected {wanted!r}")

    def _next(self) -> str:
        token = self.peek()
        if token:
            self._position += 1
        return token
