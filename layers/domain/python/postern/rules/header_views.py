"""The header section as rules ask for it: fields decoded or raw, their addresses and names.

And fields that are not in the message but told by the way it came: `EnvelopeFrom`, `X-Spam-Relays-Untrusted` ….
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from postern.message import HeaderField, Message
from postern.mime.addresses import Mailbox, parse_address_list
from postern.mime.charsets import decode_unlabelled
from postern.mime.encoded_words import decode_encoded_words
from postern.rules.domains import Domains
from postern.rules.relay_forms import ADDRESS
from postern.rules.relays import Relay, Relays, read_relays

MAX_ALL = 65_536
MAX_FIELD = 8_192
"""Octets of the header section and of one field that rules see, as in SpamAssassin."""

_FOLD = re.compile(rb"\n[ \t]+")
_RAW_FOLD = re.compile(rb"\r?\n\s+")
_NOT_DECODED = re.compile(
    r"(?:received|(?:resent-)?(?:message-id|date)|mime-version|references|in-reply-to|list-.*)\Z", re.DOTALL
)
_MESSAGE_IDS = ("X-Message-Id", "Resent-Message-Id", "X-Original-Message-ID", "Message-Id")
_ENVELOPE_FIELDS = ("X-Envelope-From", "Envelope-Sender", "Return-Path")
_IP = re.compile(rf"(?<!\.)\b({ADDRESS})\b(?!\.)")
_HOST = re.compile(r"(?<![._-])(\S{1,251}\.[A-Za-z][\w-]{1,62})(?![._-])")
_BLANKS = re.compile(r"\s+")
Texts = tuple[bytes, ...]
_NO_ENCODED_WORD = "=\x01?"
"""Keeps an encoded word from being decoded."""

_NOBODY = Mailbox("", "", "")


class HeaderViews:
    """The header section of one message; each view is worked out once.

    `client` is the host we got the message from, `reverse_path` what it gave as MAIL FROM (`""` for `<>`); `None` when
    nobody knows, and then the fields must tell.
    """

    def __init__(
        self,
        message: Message,
        domains: Domains,
        *,
        client: Relay | None = None,
        reverse_path: str | None = None,
        originating: Iterable[str] = (),
    ) -> None:
        self._message = message
        self._domains = domains
        self._client = client
        self._reverse_path = reverse_path
        self._originating = tuple(originating)
        self._made: dict[tuple[str, tuple[str, ...]], Texts] = {}
        self._made_text: dict[tuple[str, tuple[str, ...]], bytes | None] = {}
        self._special: dict[str, Callable[[bool], Iterable[bytes]]] = {
            "all": self._all,
            "all-trusted": lambda raw: self._range(None, self.relays.last_trusted + 1, raw),
            "all-internal": lambda raw: self._range(None, self.relays.last_trusted + 1, raw),
            "all-untrusted": lambda raw: self._range(self.relays.last_trusted + 1, None, raw),
            "all-external": lambda raw: self._range(self.relays.last_trusted + 1, None, raw),
            "envelopefrom": lambda _: [] if self.envelope_from is None else [self.envelope_from],
            "x-spam-relays-untrusted": lambda _: [self.relays.untrusted_text.encode()],
            "x-spam-relays-external": lambda _: [self.relays.untrusted_text.encode()],
            "x-spam-relays-trusted": lambda _: [self.relays.trusted_text.encode()],
            "x-spam-relays-internal": lambda _: [self.relays.trusted_text.encode()],
            "tocc": lambda raw: [*self._fields("to", raw), *self._fields("cc", raw)],
            "messageid": lambda raw: [one for name in _MESSAGE_IDS for one in self._fields(name.lower(), raw) if one],
        }

    def text(self, name: str, views: tuple[str, ...] = ()) -> bytes | None:
        """All that `name` gives, as one text; `None` when it gives nothing."""
        key = (name, views)
        if key not in self._made_text:
            found = self.get(name, views)
            self._made_text[key] = (b"" if found[0][-1:] == b"\n" else b"\n").join(found) if found else None
        return self._made_text[key]

    def string(self, name: str, *views: str) -> str:
        """As `text`, decoded; `""` when there is nothing. Of addresses and names the first."""
        if views and views[0] in ("addr", "name"):
            found = self.get(name, views)
            return found[0].decode("utf-8", "replace") if found else ""
        return (self.text(name, views) or b"").decode("utf-8", "replace")

    def strings(self, name: str, *views: str) -> tuple[str, ...]:
        """All that `name` gives, decoded."""
        return tuple(one.decode("utf-8", "replace") for one in self.get(name, views))

    def get(self, name: str, views: tuple[str, ...] = ()) -> Texts:
        """What `name` gives through `views`, e.g. `get("From", ("addr",))`; in the order of the fields."""
        key = (name, views)
        if key not in self._made:
            self._made[key] = tuple(self._get(name, views))
        return self._made[key]

    @cached_property
    def relays(self) -> Relays:
        """The relays the message came through."""
        lines = [field.unfolded for field in self._message.fields("received")]
        for name in self._originating:
            found = [_IP.search(field.value) for field in self._message.fields(name)[-1:]]
            lines += [f"from X-Originating-IP: {one[1]}" for one in found if one]
        return read_relays(lines, self._client)

    @cached_property
    def envelope_from(self) -> bytes | None:
        """MAIL FROM, as given or as the header section tells it; `b""` for the null reverse-path."""
        if self._reverse_path is not None:
            return self._reverse_path.encode("utf-8", "surrogateescape")
        relays = self.relays
        last = relays.untrusted[0] if relays.untrusted else relays.trusted[-1] if relays.trusted else None
        if (
            last is not None
            and last.envelope_from is not None
            and ("@" in last.envelope_from[1:] or not last.envelope_from)
        ):
            return last.envelope_from.encode()
        fetched = any(b"(fetchmail" in one for one in self.get("Received"))
        if fetched and any(b"@" in one for one in self.get("X-Sender", ("first", "addr"))):
            return None
        return self._envelope_field()

    def _envelope_field(self) -> bytes | None:
        """The first field that tells the reverse-path, unless a Received field stands above it."""
        for name in _ENVELOPE_FIELDS:
            found = self.get(name, ("first", "addr"))
            if not found:
                continue
            below = False
            for field in self._message.header_fields:
                if field.key == "received":
                    below = True
                elif below and field.key == name.lower():
                    break
            else:
                return found[0]
            if name == "X-Envelope-From":
                return None
        return None

    def _get(self, name: str, views: tuple[str, ...]) -> Iterable[bytes]:
        key = name.lower()
        if key in ("messageid", "all") and not name.isupper():
            return self._fields(key, "raw" in views, keep_folds=True)
        if key not in self._special and not self._message.fields(key):
            return ()
        raw = "raw" in views or (key not in self._special and ("addr" in views or "name" in views))
        found = list(self._special[key](raw) if key in self._special else self._fields(key, raw, keep_folds=True))
        if "first" in views:
            found = found[:1]
        elif "last" in views:
            found = found[-1:]
        if "addr" in views or "name" in views:
            found = list(_addresses(found, "addr" in views, "raw" in views))
        if not {"host", "domain", "ip", "revip"}.isdisjoint(views):
            found = list(self._hosts(found, views))
        return found

    def _fields(self, key: str, raw: bool, *, keep_folds: bool = False) -> list[bytes]:
        fields = self._message.fields(key)
        if not raw:
            return [decoded_field(field) + b"\n" for field in fields]
        return [raw_field(field) if keep_folds else _RAW_FOLD.sub(b" ", raw_field(field)) for field in fields]

    def _all(self, raw: bool) -> Iterable[bytes]:
        size, lines = 0, []
        for field in self._message.header_fields:
            if raw:
                line = field.raw_field.replace(b"\r\n", b"\n")
            else:
                line = field.raw_name.rstrip() + b": " + decoded_field(field) + b"\n"
            size += len(line)
            if size > MAX_ALL:
                break
            lines.append(line)
        return lines

    def _range(self, start: int | None, end: int | None, raw: bool) -> Iterable[bytes]:
        """The fields from the one Received field to the other, by their index from the top."""
        if end is not None and end < 0:
            return []
        at, found = -1, []
        for line in self._all(raw):
            at += line[:9].lower() == b"received:"
            if end is not None and at == end:
                found.append(line)
                break
            if start is None or at >= start:
                found.append(line)
        return [b"".join(found)] if found else []

    def _hosts(self, found: list[bytes], views: tuple[str, ...]) -> Iterable[bytes]:
        for text in found:
            line = text.decode("utf-8", "replace")
            if "ip" in views or "revip" in views:
                address = _IP.search(line)
                if address:
                    yield (".".join(reversed(address[1].split("."))) if "revip" in views else address[1]).encode()
                continue
            host = line.rpartition("@")[2].strip() if "addr" in views else self._host_in(line)
            if host:
                yield (self._domains.trim(host) if "domain" in views else host).encode()

    def _host_in(self, line: str) -> str:
        after = _HOST.match(line.rpartition("@")[2]) if "@" in line else None
        if after and self._domains.is_valid(after[1]):
            return after[1]
        return next((one[1] for one in _HOST.finditer(line) if self._domains.is_valid(one[1])), "")


def decoded_field(field: HeaderField) -> bytes:
    """The value on one line with its encoded words decoded, UTF-8."""
    value = field.raw_value
    if b"\n" in value:
        value = _FOLD.sub(b" ", value.replace(b"\r\n", b"\n")).replace(b"\n", b"")
    value = value.strip(b" \t\r\n\x0b\x0c")[:MAX_FIELD]
    if b"=?" in value and not _NOT_DECODED.match(field.key):
        return decode_encoded_words(decode_unlabelled(value)).encode("utf-8", "replace")
    return value if value.isascii() else decode_unlabelled(value).encode("utf-8", "replace")


def raw_field(field: HeaderField) -> bytes:
    """All after the colon as written, folds and final line end included, LF for line ends."""
    return field.source[field.colon + 1 : field.end].replace(b"\r\n", b"\n")[:MAX_FIELD]


def _addresses(found: list[bytes], addresses: bool, raw: bool) -> Iterable[bytes]:
    for text in found:
        line = decode_unlabelled(text)
        for mailbox in parse_address_list(line.replace("=?", _NO_ENCODED_WORD) if raw else line):
            if addresses:
                if (mailbox.domain and mailbox.local_part) or mailbox == _NOBODY:
                    yield mailbox.address.encode("utf-8", "replace")
            elif mailbox.display_name:
                yield _name(mailbox.display_name, raw)


def _name(name: str, raw: bool) -> bytes:
    """A display name, without what is no part of it; as written with `:raw`, where its octets count."""
    if raw:
        return name.replace(_NO_ENCODED_WORD, "=?").encode("utf-8", "replace")
    name = _BLANKS.sub(" ", name).strip()
    if len(name) > 1 and name[0] == name[-1] == "'":
        name = name[1:-1]
    return name.encode("utf-8", "replace")
