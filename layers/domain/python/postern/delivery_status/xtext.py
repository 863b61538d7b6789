"""xtext: any text in the printable characters of a parameter's value (RFC 3461 §4)."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[!-*,-<>-~]")
_PLAIN_ADDRESS = re.compile(r"[!-*,-<>-\[\]-~]")


def to_xtext(text: str) -> str:
    """`text` with every character that cannot stand for itself as `+` and two hex digits per octet."""
    return "".join(one if _PLAIN.fullmatch(one) else _encoded(one) for one in text)


def _encoded(character: str) -> str:
    return "".join(f"+{octet:02X}" for octet in character.encode("utf-8", "replace"))


def to_utf8_xtext(text: str) -> str:
    """An address in `\\x{…}` notation, where only ASCII may stand (RFC 6533 §3)."""
    return "".join(one if _PLAIN_ADDRESS.fullmatch(one) else f"\\x{{{ord(one):X}}}" for one in text)
