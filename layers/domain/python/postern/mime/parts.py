"""One MIME part: where it lies in the message, what it says it is, and its content decoded on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from postern.mime import charsets
from postern.mime.decoding import Decoded, decode_content
from postern.mime.defects import Defect, DefectCode
from postern.mime.headers import HeaderField
from postern.mime.limits import DEFAULT_LIMITS, MAX_READINGS
from postern.mime.parameters import EMPTY, StructuredValue, parse_structured, strip_comments

MULTIPART = "multipart/"
TEXT = "text/"
TEXT_PLAIN = "text/plain"
MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news"})
"""Types whose body is itself a message (RFC 2046 §5.2.1, RFC 6532 §3.7, RFC 5537 §4.1)."""


@dataclass(frozen=True)
class Part:
    """A part as the stretch `source[offset:end]`; its body begins at `body_offset`.

    `source` is the message, or the decoded octets of an encoded message within it. `content_type` is lower case
    and never empty; `media_type` is the field as it was read. `path` is the section number of IMAP (RFC 3501
    §6.4.5): `1.2`; a multipart that is the whole body of a message is `TEXT`, `3.TEXT`. A message/rfc822 has one
    child, the root of its message. Not slotted: what is derived is worked out once, when somebody asks.
    """

    source: bytes = field(repr=False)
    header_fields: tuple[HeaderField, ...] = field(repr=False)
    offset: int
    body_offset: int
    end: int
    content_type: str
    media_type: StructuredValue = field(repr=False)
    path: str
    depth: int
    children: tuple[Part, ...] = field(repr=False)
    max_decoded_bytes: int = field(default=DEFAULT_LIMITS.decoded_bytes, repr=False)

    def fields(self, name: str) -> tuple[HeaderField, ...]:
        """All fields of that name, in order, in any case."""
        return tuple(one for one in self.header_fields if one.key == name.lower())

    def first(self, name: str) -> HeaderField | None:
        """The first field of that name."""
        key = name.lower()
        return next((one for one in self.header_fields if one.key == key), None)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, depth first, nested messages included."""
        pending = [self]
        while pending:
            part = pending.pop()
            yield part
            pending.extend(reversed(part.children))

    @property
    def is_multipart(self) -> bool:
        """Whether the type is multipart, with or without parts found."""
        return self.content_type.startswith(MULTIPART)

    @property
    def is_message(self) -> bool:
        """Whether the body is itself a message."""
        return self.content_type in MESSAGE_TYPES

    @property
    def is_text(self) -> bool:
        """A leaf whose content is text: text/*, or a multipart in which something, but no parts were found."""
        if self.children:
            return False
        return self.content_type.startswith(TEXT) or (self.is_multipart and self.size > 0)

    @property
    def is_attachment(self) -> bool:
        """Whether mail readers offer it as a file: by its disposition, or since it is neither text nor multipart."""
        if self.is_multipart:
            return False
        if self.disposition == "attachment":
            return True
        if self.content_type.startswith(TEXT):
            return bool(self.filenames) and self.disposition != "inline"
        return True

    @cached_property
    def _disposition(self) -> StructuredValue:
        found = self.first("content-disposition")
        return parse_structured(charsets.decode_unlabelled(found.raw_value)) if found else EMPTY

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of Content-Type by lower-case name, each in its likeliest reading."""
        return {name: one.value for name, one in self.media_type.parameters.items()}

    @property
    def charset(self) -> str:
        """The charset as declared, in lower case, or `""`."""
        return self.media_type.get("charset").strip(" \t'\"").lower()

    @property
    def disposition(self) -> str:
        """`attachment`, `inline` or whatever else is written, in lower case; `""` when there is none."""
        return self._disposition.word

    @cached_property
    def filenames(self) -> tuple[str, ...]:
        """Every name a mail reader might give the file, likeliest first: RFC 2183 `filename`, then `name`."""
        names = self._disposition.readings("filename") + self.media_type.readings("name")
        return tuple(dict.fromkeys(name for name in names if name))[:MAX_READINGS]

    @property
    def filename(self) -> str:
        """The likeliest of `filenames`, or `""`."""
        return self.filenames[0] if self.filenames else ""

    @property
    def content_id(self) -> str:
        """Content-ID without its angle brackets, or `""`."""
        found = self.first("content-id")
        return found.value.strip().strip("<>") if found else ""

    @cached_property
    def transfer_encoding(self) -> str:
        """Content-Transfer-Encoding in lower case, without comments and parameters, or `""`."""
        found = self.first("content-transfer-encoding")
        if found is None:
            return ""
        words = strip_comments(found.unfolded).partition(";")[0].strip("\"' ").lower().split()
        return words[0] if words else ""

    @property
    def header_bytes(self) -> bytes:
        """The header section as received, with the empty line that ends it."""
        return self.source[self.offset : self.body_offset]

    @property
    def raw_body(self) -> bytes:
        """The body as received, transfer encoding and all."""
        return self.source[self.body_offset : self.end]

    @property
    def size(self) -> int:
        """Octets of the body as received."""
        return self.end - self.body_offset

    @property
    def line_count(self) -> int:
        """Lines of the body as received; a last line without line end counts."""
        feeds = self.source.count(b"\n", self.body_offset, self.end)
        return feeds + (self.end > self.body_offset and self.source[self.end - 1] != 0x0A)

    @cached_property
    def _decoded(self) -> Decoded:
        body = self.source[self.body_offset : min(self.end, self.body_offset + self.max_decoded_bytes)]
        encoding = "" if self.children else self.transfer_encoding
        decoded = decode_content(body, encoding)
        if self.size <= self.max_decoded_bytes:
            return decoded
        return Decoded(decoded.octets, (*decoded.defects, DefectCode.CONTENT_TRUNCATED))

    @cached_property
    def _text(self) -> charsets.Decoded:
        return charsets.decode_labelled(self._decoded.octets, self.charset)

    def content(self) -> bytes:
        """The body with its transfer encoding undone; a container's body as it stands."""
        return self._decoded.octets

    def text(self) -> str:
        """The content as text, in its charset or, when that is missing, unknown or wrong, the likeliest one."""
        return self._text.text

    @property
    def text_charset(self) -> str:
        """The charset `text` was read in, as Python names it."""
        return self._text.charset

    def content_defects(self) -> tuple[Defect, ...]:
        """What is wrong with the encoding of the content and, when it is text, its charset."""
        found = [Defect(code, self.transfer_encoding[:40], self.path) for code in self._decoded.defects]
        if self.is_text and not self._text.known:
            found.append(Defect(DefectCode.UNKNOWN_CHARSET, self.charset[:40], self.path))
        elif self.is_text and not self._text.right:
            found.append(Defect(DefectCode.WRONG_CHARSET, self.charset[:40], self.path))
        return tuple(found)
