"""Taking octets from the stream that are no commands: the text of DATA, or a chunk of BDAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from postern_frontend.data_scanner import TextNormalizer


class Intake(Protocol):
    """Consumes the stream until it is `finished`; `DataScanner` is one."""

    @property
    def finished(self) -> bool:
        """Whether what follows are commands again."""
        ...

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (text, rest): normalised text, and what followed the end once `finished`."""
        ...


@dataclass(slots=True)
class ChunkIntake:
    """BDAT: so many octets, which belong to the text, or to nobody when `text` is `None` (RFC 3030 §2)."""

    remaining: int
    text: TextNormalizer | None

    @property
    def finished(self) -> bool:
        """All octets of the chunk have come."""
        return self.remaining == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what belongs to the chunk."""
        taken = data[: self.remaining]
        self.remaining -= len(taken)
        return (self.text.feed(taken) if self.text else b""), data[len(taken) :]
