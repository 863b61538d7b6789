"""Domain names out of messages, made comparable: lower case, A-labels (RFC 5890), as browsers map them (UTS 46)."""

from __future__ import annotations

import re
import unicodedata

_MAX_DOMAIN = 253
_MAX_LABEL = 63
_IDEOGRAPHIC_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
_IGNORED = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_LETTERS_MARKS_NUMBERS = ("L", "M", "N")
_ALLOWED_OTHERS = frozenset("-_\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d")


def to_ascii_domain(domain: str) -> str:
    """`domain` in lower case with A-labels and without a final dot; `""` when it is no domain name.

    Unlike Python's `idna` codec this keeps ß and ς, as today's registries and browsers do, and takes linear time.
    """
    text = domain.strip().translate(_IDEOGRAPHIC_DOTS)
    if len(text) > 2 * _MAX_DOMAIN:
        return ""
    text = text.removesuffix(".")
    labels = [_to_ascii_label(label) for label in text.split(".")]
    name = ".".join(labels)
    return name if all(labels) and len(name) <= _MAX_DOMAIN else ""


def _to_ascii_label(label: str) -> str:
    if not label.isascii():
        label = _to_a_label(label)
    label = label.lower()
    return label if len(label) <= _MAX_LABEL and _LABEL.fullmatch(label) else ""


def _to_a_label(label: str) -> str:
    mapped = unicodedata.normalize("NFKC", label.translate(_IGNORED)).lower()
    mapped = unicodedata.normalize("NFC", mapped)
    if mapped.isascii():
        return mapped
    allowed = all(unicodedata.category(one)[0] in _LETTERS_MARKS_NUMBERS or one in _ALLOWED_OTHERS for one in mapped)
    return "xn--" + mapped.encode("punycode").decode("ascii") if allowed and len(mapped) <= _MAX_LABEL else ""
