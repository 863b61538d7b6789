"""The `style` attribute as SpamAssassin reads it: colours, and what hides text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postern.rules.colours import rgb

_COLOUR = re.compile(r"\s*(background-)?color:\s*(.+?)\s*\Z", re.IGNORECASE | re.DOTALL)
_BACKGROUND = re.compile(r"\s*background:\s*(.+?)\s*\Z", re.DOTALL)
_OTHER = re.compile(r"\s*([a-z_-]+)\s*:\s*(\S.*?)\s*\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Style:
    """What text looks like within one element."""

    tag: str = "default"
    foreground: str = "#000000"
    background: str = "#ffffff"
    size: int = 3
    hidden: bool = False


def written_style(value: str, foreground: str, background: str, outer: Style) -> tuple[str, str, bool]:
    """Foreground, background and whether the text is hidden, after a `style` attribute."""
    hidden = outer.hidden
    for part in value.split(";"):
        if colour := _COLOUR.match(part):
            written = _colour(colour[2].lower())
            if colour[1]:
                background = written or background
            else:
                foreground = written or foreground
        elif back := _BACKGROUND.match(part):
            background = next((one for word in back[1].lower().split() if (one := rgb(word)) != "invalid"), background)
        elif other := _OTHER.match(part):
            word = (other[1].lower(), other[2].lower())
            if word[0] in ("display", "visibility"):
                hidden = word in (("display", "none"), ("visibility", "hidden"))
    background = outer.background if background == "transparent" else background
    return (background if foreground == "transparent" else foreground), background, hidden


def _colour(value: str) -> str:
    value = re.sub(r"\s*!\s*important\Z", "", value)
    if "rgb" in value:
        digits = re.sub(r"[^0-9,]", "", value).split(",")
        numbers = [min(int(one[:6] or 0), 255) for one in [*digits, "", ""][:3]]
        return "#{:02x}{:02x}{:02x}".format(*numbers)
    if value == "inherit":
        return ""
    return value if value == "transparent" else rgb(value)
