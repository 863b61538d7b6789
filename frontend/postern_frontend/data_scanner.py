"""The text of a message as it arrives: where it ends, how its lines end, what is unusual about it.

Only CRLF.CRLF ends DATA (RFC 5321 §4.1.1.4). Servers that took a bare LF or CR there let one message smuggle
in another. A bare CR or LF inside the text becomes CRLF, as Postfix does, and is counted; so what is stored
never holds one.

Everything works on chunks as the socket delivers them. Each octet is looked at a constant number of times by
the searches of `bytes`, however the chunks are cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE_OCTETS = 998
"""A text line without its CRLF (RFC 5322 §2.1.1); longer ones are counted, never refolded."""

_CRLF = b"\r\n"
_STUFFED_DOT = b"\r\n."
_END_OF_DATA = b"\r\n.\r\n"
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What was unusual about the text: counts of bare CR or LF, of NUL, and of lines over 998 octets."""

    bare_line_ends: int
    nul_octets: int
    long_lines: int


class TextNormalizer:
    """Turns octets into CRLF lines and keeps count. `size` is in octets of normalised text."""

    def __init__(self) -> None:
        self.size = 0
        self.bare_line_ends = 0
        self._nul_octets = 0
        self._long_lines = 0
        self._line_octets = 0
        self._pending_cr = False
        self._ends_line = True

    def feed(self, data: bytes) -> bytes:
        """Normalised text for `data`; a CR at its end waits for the octet that follows."""
        if self._pending_cr:
            data = b"\r" + data
        self._pending_cr = data.endswith(b"\r")
        if self._pending_cr:
            data = data[:-1]
        return self._normalized(data) if data else b""

    def finish(self) -> bytes:
        """What is left: a CR that waited, and the line end a last line lacks."""
        rest = b""
        if self._pending_cr:
            self._pending_cr = False
            rest = self._normalized(b"\r")
        if not self._ends_line:
            rest += self._normalized(_CRLF)
        return rest

    @property
    def facts(self) -> TextFacts:
        """What was seen so far."""
        return TextFacts(self.bare_line_ends, self._nul_octets, self._long_lines)

    def _normalized(self, data: bytes) -> bytes:
        line_ends = data.count(_CRLF)
        bare = data.count(b"\r") + data.count(b"\n") - 2 * line_ends
        if bare:
            self.bare_line_ends += bare
            data = _LINE_END.sub(_CRLF, data)
        if b"\0" in data:
            self._nul_octets += data.count(b"\0")
        self._measure_lines(data)
        self.size += len(data)
        self._ends_line = data.endswith(_CRLF)
        return data

    def _measure_lines(self, data: bytes) -> None:
        """Count lines over the limit by leaping from line end to line end, as far as a legal line reaches."""
        at = 0
        carried = self._line_octets
        while True:
            line_end = data.rfind(_CRLF, at, at + MAX_LINE_OCTETS - carried + 2) if carried <= MAX_LINE_OCTETS else -1
            if line_end < 0 and len(data) - at + carried > MAX_LINE_OCTETS:
                line_end = data.find(_CRLF, at)
                self._long_lines += carried <= MAX_LINE_OCTETS
            if line_end < 0:
                break
            at = line_end + 2
            carried = 0
        self._line_octets = carried + len(data) - at


class DataScanner:
    """The text of DATA: finds the final dot, takes the doubled dots away, normalises line ends.

    Dots are only taken from lines that follow a CRLF: what follows a bare LF is text.
    """

    def __init__(self) -> None:
        self.text = TextNormalizer()
        self.finished = False
        self._held = _CRLF
        self._skip = len(_CRLF)

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (text, rest): normalised text, and once `finished`, what followed the final dot."""
        data = self._held + data
        if _STUFFED_DOT not in data:
            return self._text(self._hold_back(data)), b""
        end = data.find(_END_OF_DATA)
        if end < 0:
            return self._text(self._hold_back(data).replace(_STUFFED_DOT, _CRLF)), b""
        self.finished = True
        text = self._text(data[: end + len(_CRLF)].replace(_STUFFED_DOT, _CRLF))
        return text + self.text.finish(), data[end + len(_END_OF_DATA) :]

    def _hold_back(self, data: bytes) -> bytes:
        """Keep what may be the beginning of the end, or of a doubled dot, for the next chunk."""
        for octets in (4, 3, 2, 1):
            if data.endswith(_END_OF_DATA[:octets]):
                self._held = _END_OF_DATA[:octets]
                return data[:-octets]
        self._held = b""
        return data

    def _text(self, data: bytes) -> bytes:
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        return self.text.feed(data) if data else b""
