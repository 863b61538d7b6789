"""What the lines of `.cf` files say about rules: one method for each kind of line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from postern.model import Points
from postern.rules.definitions import (
    Call,
    HeaderTest,
    Place,
    Problem,
    Rule,
    RuleBook,
    RuleKind,
    Scores,
    UriCriterion,
)
from postern.rules.meta import compile_meta
from postern.rules.patterns import split_literal
from postern.rules.replacing import ReplacementTags

MAX_RULES = 200_000
MAX_SETTING_WORDS = 200_000
MAX_POINTS = 100_000
_RULE_NAME = re.compile(r"[A-Za-z_]\w{0,127}\Z")
_HEADER = re.compile(r"([\w.-]+)((?::[a-z]+){0,2}):?\s*([=!]~)\s*(.+)\Z", re.DOTALL)
_EXISTS = re.compile(r"exists:([\w.-]+):?\Z")
_IF_UNSET = re.compile(r"\s+\[if-unset:\s*(.*?)\]\Z", re.DOTALL)
_CALL = re.compile(r"eval:\s*(\w+)\s*\((.*)\)\s*\Z", re.DOTALL)
_ARGUMENT = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|([\w.:-]+))\s*(?:,\s*|\Z)""")
_CRITERION = re.compile(r"\b(\w+)\b\s*([=!]~)\s*((?:/.*?/|m(\W).*?\4)[imsx]*)(?=\s|\Z)")
_VIEWS = frozenset("raw addr name host domain ip revip first last".split())
_URI_TARGETS = frozenset("raw type cleaned text domain host".split())
_SCORE = re.compile(r"(\()?(-?\d+(?:\.\d*)?)\)?\Z")

SETTINGS = frozenset(
    "freemail_domains freemail_welcomelist freemail_whitelist util_rb_tld util_rb_2tld util_rb_3tld redirector_pattern"
    " enlist_addrlist enlist_uri_host welcomelist_from whitelist_from blocklist_from blacklist_from"
    " welcomelist_to whitelist_to trusted_networks internal_networks msa_networks url_shortener"
    " welcomelist_bounce_relays whitelist_bounce_relays ok_locales originating_ip_headers"
    " freemail_max_body_emails freemail_max_body_freemails".split()
)
"""Directives that give the functions of rules their words; each line adds to the earlier ones."""

_OF_OTHERS = re.compile(
    r"(?:add_header|adsp_override|asn_\w+|auto_\w+|bayes_\w+|body_part_scan_size|clear_\w+|def_\w+|dcc_\w+|dkim_\w+"
    r"|dns_\w+|envelope_sender_header|fns_\w+|fold_headers|header_address_parser|lock_method|normalize_charset|ok_\w+"
    r"|parse_dkim_uris|priority|pyzor_\w+|rawbody_part_scan_size|razor_\w+|rbl_\w+|remove_header|report|report_\w+"
    r"|require_version|required_score|required_hits|reuse|rewrite_header|shortcircuit\w*|skip_rbl_checks|spf_\w+|test"
    r"|time_limit|txrep_\w+|unblacklist_\w+|unblocklist_\w+|unsafe_report|unwelcomelist_\w+|unwhitelist_\w+"
    r"|uridnsbl_\w+|uridnssub|uridnsbl|urirhs\w+|urinssub|urinsrhs\w+|urifullnssub|urifullns\w+|url_shortener_\w+"
    r"|use_\w+|welcomelist_\w+|whitelist_\w+|blocklist_\w+|blacklist_\w+|score_\w+|subjprefix|loadplugin|tryplugin"
    r"|hashbl_\w+|nowelcomelist_\w+|dmarc_\w+|user_scores_\w+|textcat_\w+|inactive_languages|more_spam_to|all_spam_to"
    r"|version_tag|allow_user_rules|util_rb_\w+|freemail_\w+|clear_util_rb|welcomelist_from_\w+|lang|extracttext_\w+"
    r"|delist_\w+|unwelcomelist_\w+|replace_\w+)\Z"
)
"""Directives of SpamAssassin's that are about other things than rules; what they do is policy here."""


class RuleSyntaxError(ValueError):
    """A line of a `.cf` file that is not of the language; the text says what is wrong with it."""


class Statements:
    """Collects what the lines say."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._replaced: dict[str, tuple[Place, ...]] = {}
        self._scores: dict[str, Scores] = {}
        self._score_places: dict[str, Place] = {}
        self._descriptions: dict[str, str] = {}
        self._flags: dict[str, frozenset[str]] = {}
        self._settings: dict[str, list[str]] = {}
        self._setting_words = 0
        self._tags = ReplacementTags()
        self._directives: Mapping[str, Callable[[Place, str, str], None]] = {
            **dict.fromkeys(("body", "rawbody", "uri", "full"), self._pattern_rule),
            "header": self._header_rule,
            "mimeheader": self._mime_header_rule,
            "uri_detail": self._uri_detail_rule,
            "meta": self._meta_rule,
            "askdns": self._network_rule,
            "score": self._score,
            "describe": self._describe,
            "tflags": self._tflags,
        }
        self._kind = ""

    def book(self, problems: list[Problem]) -> RuleBook:
        """Everything that was read, replacement tags filled in; `problems` are those met before."""
        rules = {name: self._filled_in(rule) for name, rule in self._rules.items()}
        settings = {name: tuple(words) for name, words in self._settings.items()}
        return RuleBook(
            MappingProxyType(rules),
            MappingProxyType(self._scores),
            MappingProxyType(self._descriptions),
            MappingProxyType(self._flags),
            MappingProxyType(settings),
            tuple(problems),
            MappingProxyType(self._replaced),
            MappingProxyType(self._score_places),
        )

    def read(self, place: Place, directive: str, argument: str) -> None:
        """Read one line. Raises `RuleSyntaxError`, `PatternError` or `MetaError`."""
        if directive in SETTINGS:
            self._setting(directive, argument)
        elif self._tags.read(directive, argument):
            return
        elif directive not in self._directives:
            if not _OF_OTHERS.match(directive):
                raise RuleSyntaxError(f"{directive!r} is not known here")
        else:
            name, rest = [*argument.split(None, 1), "", ""][:2]
            if not _RULE_NAME.match(name):
                raise RuleSyntaxError(f"{name!r} is no rule name")
            self._kind = directive
            self._directives[directive](place, name, rest.strip())

    def _filled_in(self, rule: Rule) -> Rule:
        return replace(rule, pattern=self._tags.fill_in(rule.pattern)) if rule.name in self._tags.rules else rule

    def _add(self, rule: Rule) -> None:
        if len(self._rules) >= MAX_RULES:
            raise RuleSyntaxError(f"there are more than {MAX_RULES} rules")
        if rule.name in self._rules:
            self._replaced[rule.name] = (*self._replaced.get(rule.name, ()), self._rules[rule.name].place)
        self._rules[rule.name] = rule

    def _pattern_rule(self, place: Place, name: str, argument: str) -> None:
        if not self._call(place, name, argument):
            split_literal(argument)
            self._add(Rule(name, RuleKind(self._kind), argument, place))

    def _call(self, place: Place, name: str, argument: str) -> bool:
        """Whether it is a rule that calls a function."""
        if not argument.startswith("eval:"):
            return False
        found = _CALL.match(argument)
        if found is None:
            raise RuleSyntaxError("expected `eval:function(…)`")
        self._add(Rule(name, RuleKind.EVAL, argument, place, call=Call(found[1], tuple(_arguments(found[2])))))
        return True

    def _header_rule(self, place: Place, name: str, argument: str) -> None:
        exists = _EXISTS.match(argument)
        if exists:
            self._add(Rule(name, RuleKind.HEADER, "", place, HeaderTest(exists[1], exists=True)))
        elif not self._call(place, name, argument):
            test, pattern = _header_test(argument)
            self._add(Rule(name, RuleKind.HEADER, pattern, place, test))

    def _mime_header_rule(self, place: Place, name: str, argument: str) -> None:
        test, pattern = _header_test(argument)
        if set(test.views) - {"raw"}:
            raise RuleSyntaxError("a mimeheader rule has no other view than `:raw`")
        self._add(Rule(name, RuleKind.MIMEHEADER, pattern, place, test))

    def _uri_detail_rule(self, place: Place, name: str, argument: str) -> None:
        criteria = tuple(UriCriterion(one[1], one[2] == "!~", one[3]) for one in _CRITERION.finditer(argument))
        if not criteria or any(one.target not in _URI_TARGETS for one in criteria):
            raise RuleSyntaxError("expected `uri_detail NAME target =~ /pattern/ …`")
        for one in criteria:
            split_literal(one.pattern)
        self._add(Rule(name, RuleKind.URI_DETAIL, "", place, criteria=criteria))

    def _meta_rule(self, place: Place, name: str, argument: str) -> None:
        compile_meta(argument)
        self._add(Rule(name, RuleKind.META, argument, place))

    def _network_rule(self, place: Place, name: str, argument: str) -> None:
        self._add(Rule(name, RuleKind.NETWORK, argument, place))

    def _score(self, place: Place, name: str, argument: str) -> None:
        words = [_SCORE.match(word) for word in argument.split()]
        if len(words) not in (1, 4):
            raise RuleSyntaxError(f"expected points such as 2.5, once or for four score sets, found {argument!r}")
        points = []
        for index, word in enumerate(words * (4 // len(words))):
            if word is None:
                raise RuleSyntaxError(f"expected points such as 2.5, found {argument!r}")
            points.append(_points(word[2]) + (self._earlier_score(name, index) if word[1] else 0))
        first, second, third, fourth = (Points(one) for one in points)
        self._scores[name] = (first, second, third, fourth)
        self._score_places[name] = place

    def _earlier_score(self, name: str, index: int) -> int:
        if name not in self._scores:
            raise RuleSyntaxError(f"there is no earlier score of {name} to add to")
        return self._scores[name][index]

    def _describe(self, _: Place, name: str, argument: str) -> None:
        self._descriptions[name] = argument

    def _tflags(self, _: Place, name: str, argument: str) -> None:
        self._flags[name] = frozenset(argument.lower().split())

    def _setting(self, directive: str, argument: str) -> None:
        words = (
            [argument]
            if directive in ("redirector_pattern", "enlist_addrlist", "enlist_uri_host")
            else argument.split()
        )
        self._setting_words += len(words)
        if self._setting_words > MAX_SETTING_WORDS:
            raise RuleSyntaxError(f"settings have more than {MAX_SETTING_WORDS} words in all")
        self._settings.setdefault(directive, []).extend(words)


def _header_test(argument: str) -> tuple[HeaderTest, str]:
    unset = _IF_UNSET.search(argument)
    found = _HEADER.match(argument[: unset.start()] if unset else argument)
    views = tuple(found[2].split(":")[1:]) if found else ()
    if found is None or not _VIEWS.issuperset(views):
        raise RuleSyntaxError("expected `header NAME Field =~ /pattern/` or `header NAME exists:Field`")
    split_literal(found[4])
    return HeaderTest(found[1], views, found[3] == "!~", if_unset=unset[1] if unset else None), found[4]


def _arguments(text: str) -> Iterable[str]:
    position, stripped = 0, text.strip()
    while position < len(stripped):
        found = _ARGUMENT.match(stripped, position)
        if found is None:
            raise RuleSyntaxError(f"expected arguments such as 'text' or 2.5, found {stripped[position:][:20]!r}")
        position = found.end()
        yield next(one for one in found.groups() if one is not None)


def _points(text: str) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation as wrong:
        raise RuleSyntaxError(f"expected points such as 2.5, found {text!r}") from wrong
    if abs(number) > MAX_POINTS:
        raise RuleSyntaxError(f"points are between -{MAX_POINTS} and {MAX_POINTS}")
    return int((number * 100).to_integral_value()) or (1 if number > 0 else -1 if number < 0 else 0)
