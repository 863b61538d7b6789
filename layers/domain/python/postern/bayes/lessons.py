"""What somebody taught about one message: the unit that is stored, merged, undone and expires.

A lesson keeps the message's digest and features, not its text. Of two lessons about one message the one that outranks
the other counts: what a person said over what the filter concluded by itself, then the later one. So any number of
copies of the same lessons merge to the same, in whatever order they come.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.bayes.examples import Example, message_digest, pack_features, unpack_features
from postern.bayes.features import Features
from postern.bayes.requests import Label
from postern.message import Message

_ORDER = tuple(Label)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One message and its label. `taught_at` is in milliseconds since 1970, `packed` are its features.

    `source` says who taught it (`cli`, `auto`, `junk:ann@example.com`); `automatic` that no person did; `forced` that
    the guard is not asked.
    """

    digest: bytes
    label: Label
    taught_at: int
    source: str = "cli"
    automatic: bool = False
    forced: bool = False
    packed: bytes = b""

    @property
    def rank(self) -> int:
        """Of two lessons about one message the one with the greater rank counts. Fits into 53 bits."""
        return ((not self.automatic) << 50) + max(0, self.taught_at) * len(_ORDER) + _ORDER.index(self.label)

    @property
    def spam(self) -> bool:
        """Whether it is learnt as spam."""
        return self.label is Label.SPAM

    @property
    def features(self) -> Features:
        """Its features, unpacked anew. Raises `ExampleError`."""
        return unpack_features(self.packed)

    @property
    def example(self) -> Example:
        """As training takes it. Raises `ExampleError`."""
        return Example(self.digest, self.spam, self.taught_at, self.features)


def teach(
    message: Message,
    features: Features,
    label: Label,
    *,
    taught_at: int,
    source: str = "cli",
    automatic: bool = False,
    forced: bool = False,
) -> Lesson:
    """The lesson that a message is."""
    packed = b"" if label is Label.FORGOTTEN else pack_features(features)
    return Lesson(message_digest(message), label, taught_at, source, automatic, forced, packed)


def forget(message: Message, *, taught_at: int, source: str = "cli") -> Lesson:
    """The lesson that takes back what was taught about a message."""
    return Lesson(message_digest(message), Label.FORGOTTEN, taught_at, source, forced=True)
