"""How far the seed model can be believed about one message.

Odds do not transfer to mail of another kind: where a model knows little of what it sees, it is as sure as ever, and
wrong. So the seed is believed as far as it knows the message: its header's tokens, and enough content to tell. A
signature field, which no message of its time had, says that the message is of another time.
"""

from __future__ import annotations

from postern.bayes.features import Features
from postern.bayes.fisher import TokenCounts, known_share
from postern.message import Message

SEEN_IN = 3
"""Messages that must have held a token for it to be known."""

STRANGE_BELOW = 0.2
KNOWN_FROM = 0.4
"""The share of header tokens that are known: nothing is believed below the one, everything above the other."""

ENOUGH_CONTENT = 40
"""Tokens of content (words, pairs, links, parts) that are enough to tell."""

LATER_FIELDS = ("DKIM-Signature", "ARC-Seal")
OF_ANOTHER_TIME = 0.5


def seed_trust(counts: TokenCounts, features: Features, message: Message) -> float:
    """0 for a message that the seed model knows nothing of, 1 for one like those it was made from."""
    share = known_share(counts, features.fields, SEEN_IN)
    known = min(1.0, max(0.0, (share - STRANGE_BELOW) / (KNOWN_FROM - STRANGE_BELOW)))
    enough = min(1.0, len(features.content) / ENOUGH_CONTENT)
    is_later = any(message.first(name) for name in LATER_FIELDS)
    return known * enough * (OF_ANOTHER_TIME if is_later else 1.0)
