"""One From field, judged: every oddity that makes mail readers disagree about its address has a word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from postern.mime.address_tokens import Token, TokenKind, tokenize, unquoted
from postern.mime.addresses import Mailbox, groups_of
from postern.mime.domain_labels import to_ascii_domain
from postern.mime.encoded_words import decode_encoded_words
from postern.mime.limits import MAX_AUTHOR_CHARACTERS
from postern.mime.parameters import strip_comments

_NOT_ATEXT = r"""\s<>,;:()\[\]"\\@\0"""
_DOMAIN_AFTER_AT = re.compile(rf"@[ \t\r\n]*+([^{_NOT_ATEXT}]{{1,255}})")
_LOCAL_PART = re.compile(rf'[^{_NOT_ATEXT}]+|"[^"]*"')
_LOCAL_PART_AT_END = re.compile(rf"[^{_NOT_ATEXT}]+\Z")
_MAX_LOCAL_PART = 64
_BLANKS = re.compile(r"\s++")
_LINE_END = re.compile(r"\r?\n")
_AT_LOOKALIKES = "\uff20\ufe6b"
_AT_SIGNS = "@" + _AT_LOOKALIKES
_DELIMITERS = frozenset("<>,;@ ")
_STOPPERS = frozenset("\0\r\n")


class AuthorProblem(StrEnum):
    """What is odd about the author of a message."""

    NO_FIELD = "no_field"
    """There is no From field."""
    NO_ADDRESS = "no_address"
    """From has no address."""
    SEVERAL_FIELDS = "several_fields"
    """More than one From field (RFC 5322 §3.6 allows one)."""
    HIDDEN_FIELD = "hidden_field"
    """Another From field is visible to readers that drop control characters, or end lines or headers elsewhere."""
    UNREAD_HEADER = "unread_header"
    """The header section is too large; another From may stand in what was not read."""
    SEVERAL_ADDRESSES = "several_addresses"
    """More than one address."""
    UNPARSABLE = "unparsable"
    """The field breaks the grammar, and what it says depends on the reader."""
    NUL = "nul"
    """NUL or a line end, also within an encoded word: some readers stop there."""
    INVISIBLE_CHARACTER = "invisible_character"
    """A control or format character within the address."""
    ENCODED_ADDRESS = "encoded_address"
    """An address, or what delimits one, is written as an encoded word (RFC 2047 §5 forbids it)."""
    QUOTED_PAIR = "quoted_pair"
    """Backslashes in the address, or beside quotes around another address."""
    QUOTED_LOCAL_PART = "quoted_local_part"
    """A quoted local part with characters in it that delimit addresses."""
    ROUTE = "route"
    """A source route `<@one.example:ann@two.example>` (RFC 5322 §4.4)."""
    GROUP = "group"
    """Group syntax (RFC 6854)."""
    FOLDED_ADDRESS = "folded_address"
    """A line end or blank within the address."""
    COMMENT_IN_ADDRESS = "comment_in_address"
    """A comment within the address."""
    LOOKALIKE_AT_SIGN = "lookalike_at_sign"
    """A character outside quotes that only looks like, or is folded to, `@`."""
    ADDRESS_LITERAL = "address_literal"
    """The domain is an address literal `[192.0.2.1]`."""
    INVALID_DOMAIN = "invalid_domain"
    """What follows the `@` is no domain name."""
    DISPLAY_NAME_ADDRESS = "display_name_address"
    """The display name shows an address of another domain. Harmless to the author, telling about the message."""
    LOOSE_SYNTAX = "loose_syntax"
    """The field breaks the grammar, but only one address can be read from it. Harmless."""
    BLANK_BEFORE_COLON = "blank_before_colon"
    """`From :` (RFC 5322 §4.5.2). Harmless by itself."""


HARMLESS = frozenset({AuthorProblem.DISPLAY_NAME_ADDRESS, AuthorProblem.LOOSE_SYNTAX, AuthorProblem.BLANK_BEFORE_COLON})
"""Problems beside which there still is one author."""


HARMLESS = frozenset({AuthorProblem.DISPLAY_NAME_ADDRESS, AuthorProblem.LOOSE_SYNTAX, AuthorProblem.BLANK_BEFORE_COLON})
"""Problems beside which there still is one author."""


@dataclass(frozen=True, slots=True)
class AuthorField:
    """What one From field says: the mailboxes of a tolerant reading, and its problems."""

    mailboxes: tuple[Mailbox, ...]
    problems: tuple[AuthorProblem, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A field sorted into the address and what stands around it.

    `address` is what the first angle brackets hold, or without them the word that holds an `@`. `tidy` says that
    brackets, quotes and parentheses pair up and nothing but blanks and comments follows the address.
    """

    address: tuple[Token, ...]
    around: tuple[Token, ...]
    tidy: bool


def read_author_field(text: str) -> AuthorField:
    """Judge the value of one From field, with its folds and encoded words as they are written."""
    tokens = list(tokenize(text[:MAX_AUTHOR_CHARACTERS]))
    groups = groups_of(tokens)
    mailboxes = tuple(mailbox for group in groups for mailbox in group.mailboxes)
    layout = _lay_out(tokens)
    problems = [*_text_problems(text, tokens), *_address_problems(layout.address), *_name_problems(layout)]
    if any(group.name is not None for group in groups):
        problems.append(AuthorProblem.GROUP)
    problems += _count_problems(text, mailboxes, layout)
    return AuthorField(mailboxes, tuple(dict.fromkeys(problems)))


def candidate_domains(text: str) -> Iterator[str]:
    """Every domain after an `@` in `text`, in every way of reading it: A-labels, perhaps repeated."""
    text = text[:MAX_AUTHOR_CHARACTERS]
    bare = text.replace("\0", "")
    decoded = decode_encoded_words(bare)
    readings = (bare, decoded, strip_comments(bare), _BLANKS.sub("", bare), unicodedata.normalize("NFKC", decoded))
    for reading in dict.fromkeys(readings):
        for match in _DOMAIN_AFTER_AT.finditer(reading):
            domain = to_ascii_domain(match.group(1).strip("."))
            if domain:
                yield domain


def _lay_out(tokens: list[Token]) -> _Layout:
    stray = any(token.kind is TokenKind.ATOM and token.text in _STRAY for token in tokens)
    opening = [index for index, token in enumerate(tokens) if token == _OPEN]
    closing = [index for index, token in enumerate(tokens) if token == _CLOSE]
    if not opening:
        return _lay_out_bare(tokens, tidy=not stray and not closing)
    first = opening[0]
    last = next((index for index in closing if index > first), len(tokens))
    paired = len(opening) == len(closing) == 1 and last < len(tokens)
    followed = any(token.kind not in _MAY_FOLLOW for token in tokens[last + 1 :])
    listed = any(token.kind is TokenKind.SPECIAL for token in tokens[:first])
    around = (*tokens[:first], *tokens[last + 1 :])
    tidy = paired and not stray and not followed and not listed
    return _Layout(_trimmed(tokens[first + 1 : last], _BLANK_ONLY), around, tidy)


def _lay_out_bare(tokens: list[Token], *, tidy: bool) -> _Layout:
    """Without angle brackets the address must be the only word there is."""
    words: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind is TokenKind.BLANK or token.kind is TokenKind.SPECIAL:
            words.append([])
        else:
            words[-1].append(token)
    place = next((index for index, word in enumerate(words) if any("@" in token.text for token in word)), 0)
    address = _trimmed(words[place], _MAY_FOLLOW)
    around = [token for token in tokens if not any(token is one for one in address)]
    alone = all(token.kind in _MAY_FOLLOW for token in around)
    return _Layout(address, tuple(around), tidy and alone)


def _trimmed(tokens: list[Token], kinds: frozenset[TokenKind]) -> tuple[Token, ...]:
    """`tokens` without those of `kinds` at both ends."""
    kept = [index for index, token in enumerate(tokens) if token.kind not in kinds]
    return tuple(tokens[kept[0] : kept[-1] + 1]) if kept else ()


def _text_problems(text: str, tokens: list[Token]) -> Iterator[AuthorProblem]:
    if len(text) > MAX_AUTHOR_CHARACTERS:
        yield AuthorProblem.UNPARSABLE
    encoded = (_LINE_END.sub("", token.text) for token in tokens if "=?" in token.text)
    if "\0" in text or any(_STOPPERS.intersection(decode_encoded_words(word)) for word in encoded):
        yield AuthorProblem.NUL


def _address_problems(address: tuple[Token, ...]) -> Iterator[AuthorProblem]:
    joined = "".join(token.text for token in address)
    for token in address:
        yield from _TOKEN_PROBLEMS.get(token.kind, ())
        if token.kind is TokenKind.SPECIAL:
            yield AuthorProblem.ROUTE if joined.startswith("@") else AuthorProblem.UNPARSABLE
        if token.kind is TokenKind.QUOTED and _DELIMITERS.intersection(token.text[1:-1]):
            yield AuthorProblem.QUOTED_LOCAL_PART
    if "\\" in joined:
        yield AuthorProblem.QUOTED_PAIR
    if any(unicodedata.category(one) in ("Cc", "Cf") for one in joined if one not in "\t\r\n"):
        yield AuthorProblem.INVISIBLE_CHARACTER
    if any(one in joined for one in _AT_LOOKALIKES):
        yield AuthorProblem.LOOKALIKE_AT_SIGN
    yield from _addr_spec_problems(joined)


def _addr_spec_problems(joined: str) -> Iterator[AuthorProblem]:
    local_part, at, domain = joined.rpartition("@")
    if not at:
        return
    if not _LOCAL_PART.fullmatch(local_part):
        yield AuthorProblem.UNPARSABLE
    if domain.startswith("["):
        yield AuthorProblem.ADDRESS_LITERAL
    elif not to_ascii_domain(domain):
        yield AuthorProblem.INVALID_DOMAIN


def _name_problems(layout: _Layout) -> Iterator[AuthorProblem]:
    """What stands around the address: an address there may be what another reader takes for the author's."""
    author = "".join(token.text for token in layout.address).lower()
    plain = "".join(token.text if token.kind in _PLAIN else " " for token in layout.around)
    if any(one in plain for one in _AT_LOOKALIKES):
        yield AuthorProblem.LOOKALIKE_AT_SIGN
    if any(address.lower() != author for address in _addresses_in(plain)):
        yield AuthorProblem.SEVERAL_ADDRESSES
    for token in layout.around:
        if token.kind in (TokenKind.QUOTED, TokenKind.COMMENT):
            yield from _shown_problems(unquoted(token.text), author)
            if "\\" in token.text and "@" in token.text:
                yield AuthorProblem.QUOTED_PAIR
    if any(token.kind is TokenKind.ENCODED for token in layout.around):
        phrase = "".join(token.text for token in layout.around if token.kind in _ENCODABLE)
        yield from _encoded_problems(decode_encoded_words(phrase), author)


def _encoded_problems(decoded: str, author: str) -> Iterator[AuthorProblem]:
    """Readers that decode before they parse see delimiters that are none (RFC 2047 §6.2 says parse first)."""
    yield from _shown_problems(decoded, author)
    at_sign = any(one in decoded for one in _AT_SIGNS)
    if at_sign and any(one in decoded for one in '<>,;"'):
        yield AuthorProblem.ENCODED_ADDRESS


def _shown_problems(shown: str, author: str) -> Iterator[AuthorProblem]:
    author_domain = author.rpartition("@")[2]
    shown = unicodedata.normalize("NFKC", decode_encoded_words(shown))
    if any(address.lower().rpartition("@")[2] != author_domain for address in _addresses_in(shown)):
        yield AuthorProblem.DISPLAY_NAME_ADDRESS


def _addresses_in(text: str) -> Iterator[str]:
    """What looks like an address: something, `@` with or without blanks, and a name with a dot."""
    for match in _DOMAIN_AFTER_AT.finditer(text):
        before = text[max(0, match.start() - _MAX_LOCAL_PART) : match.start()].rstrip()
        local_part = _LOCAL_PART_AT_END.search(before)
        if local_part and "." in match.group(1).strip("."):
            yield f"{local_part.group()}@{match.group(1)}"


def _count_problems(text: str, mailboxes: tuple[Mailbox, ...], layout: _Layout) -> Iterator[AuthorProblem]:
    addresses = {mailbox.address.lower() for mailbox in mailboxes if mailbox.domain}
    joined = "".join(token.text for token in layout.address).lower()
    if not addresses:
        encoded = any(one in decode_encoded_words(text) for one in _AT_SIGNS)
        yield AuthorProblem.ENCODED_ADDRESS if encoded else AuthorProblem.NO_ADDRESS
    elif len(addresses) > 1:
        yield AuthorProblem.SEVERAL_ADDRESSES
    elif addresses != {joined}:
        yield AuthorProblem.UNPARSABLE
    elif not layout.tidy:
        certain = len(set(candidate_domains(text))) == 1
        doubt = AuthorProblem.FOLDED_ADDRESS if "\n" in text.strip() else AuthorProblem.UNPARSABLE
        yield AuthorProblem.LOOSE_SYNTAX if certain else doubt


_OPEN = Token(TokenKind.SPECIAL, "<")
_CLOSE = Token(TokenKind.SPECIAL, ">")
_STRAY = frozenset({'"', "(", "\\"})
_BLANK_ONLY = frozenset({TokenKind.BLANK})
_MAY_FOLLOW = frozenset({TokenKind.BLANK, TokenKind.COMMENT})
_PLAIN = frozenset({TokenKind.ATOM, TokenKind.BLANK, TokenKind.SPECIAL})
_ENCODABLE = frozenset({TokenKind.ATOM, TokenKind.BLANK, TokenKind.ENCODED})
_TOKEN_PROBLEMS = {
    TokenKind.BLANK: (AuthorProblem.FOLDED_ADDRESS,),
    TokenKind.COMMENT: (AuthorProblem.COMMENT_IN_ADDRESS,),
    TokenKind.ENCODED: (AuthorProblem.ENCODED_ADDRESS,),
}
