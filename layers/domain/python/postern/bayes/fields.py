"""Header fields as tokens: their words, their names, and the order of those that the author's program writes.

Left out is what would teach the classifier when and through which mailbox a message was collected instead of what it
is: dates, the marks of filters and mailboxes, and the fields that a mailing list's manager adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from postern.bayes.hashing import BREAK, Run, run_of
from postern.bayes.words import WORD, cased, shape
from postern.message import HeaderField, Message

MAX_FIELDS = 150
MAX_VALUE = 1_000
MAX_FIELD_WORDS = 40
MAX_RECEIVED = 12
MAX_RECEIVED_WORDS = 30

_LEFT_OUT = re.compile(
    rb"(?:resent-|list-|x-(?:spam|virus|filter|mailscanner|amavis|rav|scanned|status|uid|keywords|mozilla|evolution"
    rb"|list|mailman|beenthere|loop|mailing|unsubscribe|egroups|yahoo|apparently|original-to|rcpt|sender)).*"
    rb"|date|delivery-date|status|keywords|x-original-date|content-length|lines|precedence|errors-to|mailing-list"
    rb"|list|sender|delivered-to|return-path|old-return-path|envelope-to|authentication-results|received-spf"
    rb"|arc-.*|dkim-signature"
)
_ORDERED_NAMES = b"""
from to cc subject message-id reply-to mime-version content-type content-transfer-encoding content-disposition x-mailer
user-agent in-reply-to references x-priority x-msmail-priority x-mimeole importance organization x-accept-language
content-language
"""
_ORDERED = frozenset(_ORDERED_NAMES.split())
_IDENTIFIERS = frozenset({b"message-id", b"references", b"in-reply-to"})
_FIELD_WORD = re.compile(rb"[\w$!%.\-\x80-\xff]{1,60}+")
_NETWORK = re.compile(rb"\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b")


class CountedField(NamedTuple):
    """A field that features are made of: lower-case name, name as written, decoded value in UTF-8, bounded."""

    key: bytes
    written: bytes
    value: bytes


def counted_fields(message: Message) -> list[CountedField]:
    """The fields that features are made of; Received without its date."""
    named = ((field.source[field.offset : field.name_end], field) for field in message.header_fields[:MAX_FIELDS])
    return [_counted(name[:60], field) for name, field in named if not _LEFT_OUT.fullmatch(name.lower())]


def _counted(name: bytes, field: HeaderField) -> CountedField:
    key, value = name.lower(), field.value[:MAX_VALUE]
    if key == b"received":
        value = value.rpartition(";")[0] or value
    return CountedField(key, name, value.encode("utf-8", "replace"))


def field_runs(fields: list[CountedField]) -> list[Run]:
    """The tokens of the header: words of its fields with their pairs, and all else."""
    paired: list[bytes] = []
    others = [b"name:" + name for name in _names(fields)]
    received = [field.value for field in fields if field.key == b"received"][:MAX_RECEIVED]
    for key, _, value in fields:
        if key == b"subject":
            words = WORD.findall(value)
            lower = [word.lower() for word in words]
            others += cased(words, lower, b"subject case:")
            _append(paired, key, lower)
        elif key in _IDENTIFIERS:
            others += [key + b":" + token for token in _identifier_tokens(value)]
        elif key != b"received":
            _append(paired, key, _FIELD_WORD.findall(value.lower())[:MAX_FIELD_WORDS])
    for value in received:
        words = _FIELD_WORD.findall(value.lower())[:MAX_RECEIVED_WORDS]
        _append(paired, b"received", [word for word in words if 2 < len(word) < 50])
    others += [b"received net:" + network for network in _NETWORK.findall(b"\n".join(received))]
    return [run_of(paired, paired=True), run_of(others)]


def _append(paired: list[bytes], key: bytes, words: list[bytes]) -> None:
    prefix = key + b":"
    paired += [prefix + word for word in words]
    paired.append(BREAK)


def _names(fields: list[CountedField]) -> Iterator[bytes]:
    """Field names as they are written, and which of the author's fields follow one another."""
    yield from dict.fromkeys(field.written for field in fields)
    ordered = [field.written for field in fields if field.key in _ORDERED]
    for name, following in pairwise(ordered):
        if name != following:
            yield name + b" before " + following


def _identifier_tokens(value: bytes) -> list[bytes]:
    local, _, host = value[:120].lower().partition(b"@")
    return [shape(local)[:24], b"@" + host.strip(b"> ")[:40]]
