"""How much of a message is looked at. What lies beyond a limit is left opaque, and a defect says so."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """Upper bounds for one message, nested messages included.

    `header_bytes` bounds each header section (octets), `header_fields` all fields of all parts together,
    `depth` how deep parts nest, `boundary_lines` the lines that begin with two hyphens, `boundary_bytes` the
    length of a boundary (RFC 2046 §5.1.1 allows 70; longer ones occur), `decoded_bytes` the encoded octets of
    one part that are decoded, `nested_bytes` those of all messages within the message that are encoded.
    """

    header_bytes: int = MIB
    header_fields: int = 20_000
    parts: int = 1_000
    depth: int = 50
    boundary_lines: int = 50_000
    boundary_bytes: int = 500
    decoded_bytes: int = 64 * MIB
    nested_bytes: int = 64 * MIB


DEFAULT_LIMITS = MessageLimits()

MAX_PARAMETERS = 100
"""Parameters read from one Content-Type or Content-Disposition field."""

MAX_STRUCTURED_BYTES = 64 * 1024
"""Octets read from one structured field (parameters, addresses, dates); the rest is ignored."""

MAX_ENCODED_WORDS = 2_000
"""Encoded words decoded in one field; later ones stay as they are written."""

MAX_ADDRESSES = 1_000
"""Mailboxes read from one address list."""

MAX_COMMENT_DEPTH = 50
"""Nested comments that are followed (RFC 5322 §3.2.2 names no limit)."""

MAX_READINGS = 8
"""Readings kept of one ambiguous parameter."""

MAX_AUTHOR_CHARACTERS = 4_096
"""Characters of one From field that are read; a longer one has no author (RFC 5322 §2.1.1: lines of 998)."""

MAX_UUENCODED_LINES = 500_000
"""Lines of uuencoded content that are decoded; what follows is dropped."""

MAX_SOFT_BREAKS = 1_000_000
"""Soft line breaks with blanks behind the `=` that are repaired in one part; later ones stay as they are."""

MAX_BASE64_SEGMENTS = 1_000
"""Runs of base64 after inner padding that are decoded; what follows is dropped."""
