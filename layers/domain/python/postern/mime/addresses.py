"""Address lists (RFC 5322 §3.4), read as tolerantly as mail readers read them.

Groups, comments, quoted strings, source routes and encoded words are understood; what breaks the grammar is read
in the likeliest way. Never use this alone to find out who a message claims to be from: `postern.author` does that,
and refuses what can be read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from postern.mime.address_tokens import Token, TokenKind, tokenize, unquoted
from postern.mime.encoded_words import decode_encoded_words
from postern.mime.limits import MAX_ADDRESSES, MAX_STRUCTURED_BYTES

_BLANKS = re.compile(r"\s++")
_ROUTE = re.compile(r"@[^:]*+:")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: `"Ann" <ann@example.com>`. `domain` is empty when there is no `@`.

    `display_name` is decoded, without quotes; comments stand after it in parentheses, or are all of it. `local_part`
    keeps its quotes, `domain` its case. A phrase without any address has only a display name.
    """

    display_name: str
    local_part: str
    domain: str

    @property
    def address(self) -> str:
        """`local_part@domain`, or the local part alone."""
        return f"{self.local_part}@{self.domain}" if self.domain else self.local_part


@dataclass(frozen=True, slots=True)
class AddressGroup:
    """A named group (RFC 5322 §3.4), or the mailboxes between two groups, whose `name` is None."""

    name: str | None
    mailboxes: tuple[Mailbox, ...]


def parse_address_list(text: str) -> tuple[Mailbox, ...]:
    """All mailboxes of an address list, those in groups too. `text` may be folded, with encoded words undecoded.

    At most `MAX_ADDRESSES` mailboxes out of `MAX_STRUCTURED_BYTES` characters are read.
    """
    return tuple(mailbox for group in parse_address_groups(text) for mailbox in group.mailboxes)


def parse_address_groups(text: str) -> tuple[AddressGroup, ...]:
    """An address list with its groups; mailboxes outside of groups are in groups without a name."""
    return groups_of(tokenize(text[:MAX_STRUCTURED_BYTES]))


def groups_of(tokens: Iterable[Token]) -> tuple[AddressGroup, ...]:
    """As `parse_address_groups`, from the pieces of the list."""
    reader = _ListReader()
    for token in tokens:
        reader.take(token)
    return reader.finish()


@dataclass(slots=True)
class _ListReader:
    """Collects mailboxes and groups while the pieces of a list go by."""

    groups: list[AddressGroup] = field(default_factory=list)
    name: str | None = None
    mailboxes: list[Mailbox] = field(default_factory=list)
    count: int = 0
    phrase: list[Token] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: list[Token] | None = None
    open_angle: bool = False

    def take(self, token: Token) -> None:
        if token.kind is TokenKind.COMMENT:
            self.comments.append(token.text)
        elif token.kind is not TokenKind.SPECIAL:
            self._words().append(token)
        elif token.text == "<" and not self.open_angle:
            self.open_angle, self.angle = True, self.angle or []
        elif token.text == ">":
            self.open_angle = False
        elif token.text == ":":
            self._colon(token)
        elif token.text == ";" or (token.text == "," and not self._in_route()):
            self._end_mailbox()
            if token.text == ";":
                self._end_group()

    def finish(self) -> tuple[AddressGroup, ...]:
        """All groups, once the pieces have ended."""
        self._end_mailbox()
        self._end_group()
        return tuple(self.groups)

    def _words(self) -> list[Token]:
        return self.angle if self.open_angle and self.angle is not None else self.phrase

    def _in_route(self) -> bool:
        """In `<@one.example,@two.example:ann@example.com>` (RFC 5322 §4.4)."""
        return self.open_angle and _joined(self.angle or []).startswith("@")

    def _colon(self, token: Token) -> None:
        if self.open_angle or self.name is not None or any("@" in word.text for word in self.phrase):
            self._words().append(token)
            return
        self._end_group()
        self.name = _display_name(self.phrase, self.comments)
        self.phrase, self.comments = [], []

    def _end_group(self) -> None:
        if self.mailboxes or self.name is not None:
            self.groups.append(AddressGroup(self.name, tuple(self.mailboxes)))
        self.name, self.mailboxes = None, []

    def _end_mailbox(self) -> None:
        mailbox = self._mailbox()
        if mailbox is not None and self.count < MAX_ADDRESSES:
            self.mailboxes.append(mailbox)
            self.count += 1
        self.phrase, self.comments, self.angle, self.open_angle = [], [], None, False

    def _mailbox(self) -> Mailbox | None:
        address = _joined(self.angle or [])
        phrase = self.phrase
        if not address:
            address, phrase = _bare_address(phrase)
        display_name = _display_name(phrase, self.comments)
        if not address and not display_name:
            return None
        local_part, at, domain = _without_route(address).rpartition("@")
        return Mailbox(display_name, local_part, domain) if at else Mailbox(display_name, domain, "")


def _joined(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens if token.kind is not TokenKind.BLANK)


def _without_route(address: str) -> str:
    route = _ROUTE.match(address)
    return address[route.end() :] if route else address


def _bare_address(phrase: list[Token]) -> tuple[str, list[Token]]:
    """The address among words that no angle brackets mark: the word with `@`, or the only word."""
    words = _split_words(phrase)
    for index, word in enumerate(words):
        if any(token.kind is TokenKind.ATOM and "@" in token.text for token in word):
            others = [token for other in words[:index] + words[index + 1 :] for token in (*other, _BLANK)]
            return _joined(word), others
    return (_joined(words[0]), []) if len(words) == 1 and words[0][0].kind is TokenKind.ATOM else ("", phrase)


_BLANK = Token(TokenKind.BLANK, " ")


def _split_words(phrase: list[Token]) -> list[list[Token]]:
    """Words between blanks; blanks beside a dot or an at sign do not part words (obsolete syntax)."""
    words: list[list[Token]] = []
    parted = True
    for token in phrase:
        if token.kind is TokenKind.BLANK:
            parted = True
            continue
        glued = words and (words[-1][-1].text.endswith((".", "@")) or token.text.startswith((".", "@")))
        if parted and not glued:
            words.append([])
        words[-1].append(token)
        parted = False
    return words


def _display_name(phrase: list[Token], comments: list[str]) -> str:
    name = _phrase_text(phrase)
    remark = " ".join(decode_encoded_words(_one_line(unquoted(comment))) for comment in comments).strip()
    if name and remark:
        return f"{name} ({remark})"
    return name or remark


def _phrase_text(phrase: list[Token]) -> str:
    """Words decoded and joined by one blank where blanks stood; quoted strings keep the blanks within them."""
    text, run = "", ""
    for token in phrase:
        if token.kind is TokenKind.BLANK and not text and not run:
            continue
        if token.kind is TokenKind.QUOTED:
            inner = decode_encoded_words(unquoted(token.text).replace("\r", "").replace("\n", ""))
            text, run = _append(_append(text, decode_encoded_words(_one_line(run))), inner), ""
        else:
            run += token.text
    return _append(text, decode_encoded_words(_one_line(run))).rstrip()


def _append(text: str, more: str) -> str:
    if text.endswith(" ") and more.startswith(" "):
        return text + more[1:]
    return text + more


def _one_line(text: str) -> str:
    return _BLANKS.sub(" ", text)
