"""What attributes and inline style do to text: hide it, shrink it, or paint it in the background's colour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

MAX_STYLE_LENGTH = 2_000
TINY_PIXELS = 3.0
"""Text of at most this size counts as tiny (fonts below 4 px are not meant to be read)."""

HIDDEN_PIXELS = 1.0
SAME_COLOUR = 1.0
LOW_CONTRAST = 12.0
"""Weighted distances of text and background colour: below the first it is invisible, below the second hard to read."""

_DECLARATION = re.compile(r"([A-Za-z-]{2,30})\s*:\s*([^;]{1,200})")
_LENGTH = re.compile(r"(-?\d{0,6}\.?\d{0,4})\s*(px|pt|em|rem|ex|%|in|cm|mm|pc|vw|vh)?")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,\s*([\d.]{1,6})\s*)?\)")
_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-f])")
_PIXELS_PER_UNIT = {
    None: 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "%": 0.16, "pc": 16.0,
    "in": 96.0, "cm": 37.8, "mm": 3.78, "vw": 6.0, "vh": 8.0,
}  # fmt: skip
_FONT_SIZES = {"1": 10.0, "2": 13.0, "3": 16.0, "4": 18.0, "5": 24.0, "6": 32.0, "7": 48.0}
_NAMED_SIZES = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0,
    "xx-large": 32.0, "smaller": 13.0, "larger": 19.0,
}  # fmt: skip

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
_NAMED_COLOURS: Mapping[str, Colour] = {
    "white": WHITE, "black": BLACK, "red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255),
    "green": (0, 128, 0), "yellow": (255, 255, 0), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "navy": (0, 0, 128), "purple": (128, 0, 128), "maroon": (128, 0, 0),
    "olive": (128, 128, 0), "teal": (0, 128, 128), "aqua": (0, 255, 255), "cyan": (0, 255, 255),
    "fuchsia": (255, 0, 255), "magenta": (255, 0, 255), "orange": (255, 165, 0), "snow": (255, 250, 250),
    "ivory": (255, 255, 240), "lightgrey": (211, 211, 211), "lightgray": (211, 211, 211),
    "whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255), "lightyellow": (255, 255, 224),
}  # fmt: skip


class Legibility(Enum):
    """How well text can be read; the first that applies counts."""

    INVISIBLE = "invisible"
    TINY = "tiny"
    LOW_CONTRAST = "low_contrast"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Look:
    """How text looks at one point of the document. `size` is in CSS pixels; `hidden` is inherited."""

    hidden: bool = False
    size: float = 16.0
    colour: Colour = BLACK
    background: Colour = WHITE

    @property
    def contrast(self) -> float:
        """Distance of text and background, weighted as the eye weighs red, green and blue."""
        if self.colour == BLACK and self.background == WHITE:
            return _BLACK_ON_WHITE
        return _distance(self.colour, self.background)

    @property
    def legibility(self) -> Legibility:
        """How well text that looks so can be read."""
        if self.hidden or self.size <= HIDDEN_PIXELS or self.contrast < SAME_COLOUR:
            return Legibility.INVISIBLE
        if self.size <= TINY_PIXELS:
            return Legibility.TINY
        return Legibility.LOW_CONTRAST if self.contrast < LOW_CONTRAST else Legibility.PLAIN


def _distance(one: Colour, other: Colour) -> float:
    weighted = (w * (a - b) for w, a, b in zip(_WEIGHTS, one, other, strict=True))
    return float(sum(value * value for value in weighted) ** 0.5)


_WEIGHTS = (0.2126, 0.7152, 0.0722)
_BLACK_ON_WHITE = _distance(BLACK, WHITE)


def declarations(style: str) -> dict[str, str]:
    """The declarations of an inline style, names and values in lower case; the last of a name counts."""
    found = _DECLARATION.findall(style[:MAX_STYLE_LENGTH].lower())
    return {name: value.replace("!important", "").strip() for name, value in found}


def inherit(look: Look, name: str, attributes: Mapping[str, str]) -> Look:
    """The look inside an element of that name and those attributes."""
    style = declarations(attributes["style"]) if "style" in attributes else {}
    size = _size(look.size, name, attributes, style)
    colour = _first_colour(look.colour, style.get("color"), attributes.get("text" if name == "body" else "color"))
    background = _first_colour(
        look.background, style.get("background-color"), style.get("background"), attributes.get("bgcolor")
    )
    hidden = look.hidden or "hidden" in attributes or _hides(style)
    return Look(hidden, size, colour, background)


def _hides(style: Mapping[str, str]) -> bool:
    if style.get("display") == "none" or style.get("visibility") == "hidden" or style.get("mso-hide") == "all":
        return True
    if style.get("opacity", "1").rstrip("0").rstrip(".") in ("", "0"):
        return True
    clipped = style.get("overflow") == "hidden"
    return clipped and any(_is_nothing(style.get(name)) for name in ("height", "max-height", "width", "max-width"))


def _is_nothing(value: str | None) -> bool:
    pixels = pixel_length(value) if value is not None else None
    return pixels is not None and pixels <= HIDDEN_PIXELS


def _size(inherited: float, name: str, attributes: Mapping[str, str], style: Mapping[str, str]) -> float:
    written = style.get("font-size")
    if written is not None:
        return _NAMED_SIZES.get(written) or _relative(written, inherited)
    if name == "font" and "size" in attributes:
        return _font_size(attributes["size"].strip())
    return inherited


def _relative(written: str, inherited: float) -> float:
    match = _LENGTH.match(written)
    if match and match[1] not in ("", "-", ".", "-.") and match[2] in ("em", "%"):
        return float(match[1]) * (inherited if match[2] == "em" else inherited / 100)
    pixels = pixel_length(written)
    return inherited if pixels is None else pixels


def _font_size(written: str) -> float:
    if written[:1] in ("+", "-") and written[1:].isdecimal():
        step = 3 + int(written[:3])
        return _FONT_SIZES[str(min(7, max(1, step)))]
    return _FONT_SIZES.get(written, 16.0)


def pixel_length(value: str) -> float | None:
    """A CSS length in pixels, or `None` when it is none."""
    match = _LENGTH.match(value.strip().lower())
    if match is None or match[1] in ("", "-", ".", "-."):
        return None
    return float(match[1]) * _PIXELS_PER_UNIT[match[2]]


def _first_colour(inherited: Colour, *written: str | None) -> Colour:
    for value in written:
        colour = parse_colour(value) if value else None
        if colour is not None:
            return colour
    return inherited


def parse_colour(value: str) -> Colour | None:
    """`#rgb`, `#rrggbb` (the mark may be missing, as in HTML attributes), `rgb()`, or a common name."""
    text = value.strip().lower()
    named = _NAMED_COLOURS.get(text)
    if named is not None:
        return named
    match = _HEX.match(text)
    if match:
        digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    return _rgb(text)


def _rgb(text: str) -> Colour | None:
    match = _RGB.search(text)
    if match is None or match[4] in ("0", "0.0"):
        return None
    red, green, blue = (min(255, int(match[index])) for index in (1, 2, 3))
    return red, green, blue
