"""A message as the numbers that classifiers learn from and judge by."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from postern.bayes.fields import counted_fields, field_runs
from postern.bayes.hashing import Ids, Run, run_of, trigrams, unique_ids
from postern.bayes.hops import read_route, route_tokens
from postern.bayes.manner import manner_tokens
from postern.bayes.people import people_tokens, read_people
from postern.bayes.words import content_runs
from postern.message import Message
from postern.text.view import TextView

TRIGRAM_BITS = 18
MAX_OCTETS = 8_000
"""Octets of header values and decoded content that trigrams are taken from."""

MAX_HEADER_OCTETS = 6_000
MAX_SAMPLED_PARTS = 10
OPAQUE_SAMPLE = 64
"""Octets of an attachment, as it is encoded, that stand for its kind of file."""


@dataclass(frozen=True, slots=True)
class Features:
    """The features of one message, each number once, in kinds that weigh the same whatever their number.

    `content` numbers what the message says, `fields` its header, `relations` how people, route and manner fit together
    (32-bit token numbers); `header_grams` and `body_grams` are places in a table of `2**TRIGRAM_BITS`. `runs` name the
    tokens; stored examples have none.
    """

    content: Ids
    fields: Ids
    relations: Ids
    header_grams: Ids
    body_grams: Ids
    runs: tuple[Run, ...] = field(default=(), repr=False, compare=False)


def extract(message: Message, view: TextView) -> Features:
    """The features of a message; bounded, never raises."""
    counted = counted_fields(message)
    content, header = content_runs(message, view), field_runs(counted)
    relations = [run_of(relation_tokens(message, view))]
    octets = b"\n".join(one.key + b": " + one.value for one in counted)[:MAX_HEADER_OCTETS]
    return Features(
        content=unique_ids(content),
        fields=unique_ids(header),
        relations=unique_ids(relations),
        header_grams=trigrams(octets, TRIGRAM_BITS),
        body_grams=trigrams(_body_sample(message, MAX_OCTETS - len(octets)), TRIGRAM_BITS),
        runs=(*content, *header, *relations),
    )


def relation_tokens(message: Message, view: TextView) -> list[bytes]:
    """Tokens about route, people and manner: words and a value, such as `=author identifier same`."""
    route, people = read_route(message), read_people(message)
    tokens = {
        *route_tokens(route, people.author_organisation),
        *people_tokens(message, view, people, route),
        *manner_tokens(message, view, people, route),
    }
    return [f"={token}".encode("utf-8", "replace") for token in sorted(tokens)]


def _body_sample(message: Message, room: int) -> bytes:
    """The beginning of each leaf's decoded text; of other leaves enough to tell the kind of file."""
    pieces = []
    leaves = (part for part in message.parts() if not part.children)
    for part in islice(leaves, MAX_SAMPLED_PARTS):
        if room <= 0:
            break
        piece = part.content()[:room] if part.is_text else part.raw_body[:OPAQUE_SAMPLE]
        pieces.append(piece)
        room -= len(piece)
    return b"\n".join(pieces)
