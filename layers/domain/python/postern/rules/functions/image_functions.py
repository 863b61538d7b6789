"""Functions over attached images (SpamAssassin's ImageInfo): how many, how large, against how much text."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from postern.mime.parts import Part
from postern.rules.functions.kind import Function, number
from postern.rules.inspection import Inspection

MAX_JPEG_SEGMENTS = 500
MAX_IMAGE_OCTETS = 200_000
"""How far into an image its size is looked for."""

_KINDS = {"image/gif": "gif", "image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/pjpeg": "jpeg"}


@dataclass(frozen=True, slots=True)
class _Image:
    """One image: its kind, name and size in pixels."""

    kind: str
    name: str
    width: int
    height: int


def _images(inspection: Inspection, kind: str) -> list[_Image]:
    if "images" not in inspection.notes:
        parts = [part for part in inspection.bodies.leaves if part.content_type in _KINDS]
        inspection.notes["images"] = [image for part in parts if (image := _read(part)) is not None]
    found: list[_Image] = inspection.notes["images"]
    return found if kind == "all" else [one for one in found if one.kind == kind]


def _read(part: Part) -> _Image | None:
    octets = part.content()[:MAX_IMAGE_OCTETS]
    size: tuple[int, int] | None = None
    kind = _KINDS[part.content_type]
    if octets[:6] in (b"GIF87a", b"GIF89a") and len(octets) >= 10:
        size = struct.unpack("<HH", octets[6:10])
    elif octets[:8] == b"\x89PNG\r\n\x1a\n" and len(octets) >= 24:
        size = struct.unpack(">II", octets[16:24])
    elif octets[:2] == b"\xff\xd8":
        size = _jpeg_size(octets)
    return _Image(kind, part.filename, *size) if size else None


def _jpeg_size(octets: bytes) -> tuple[int, int] | None:
    """The size in the first frame header (ITU-T T.81 §B.2.2)."""
    at = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        if at + 9 > len(octets) or octets[at] != 0xFF:
            return None
        marker, length = octets[at + 1], int.from_bytes(octets[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", octets[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def image_count(inspection: Inspection, kind: str, least: str, most: str = "inf") -> bool:
    """Whether there are so many images."""
    return number(least) <= len(_images(inspection, kind)) <= number(most, float("inf"))


def image_named(inspection: Inspection, name: str) -> bool:
    """Whether an image has that file name."""
    return any(one.name.lower() == name.lower() for one in _images(inspection, "all"))


def image_size_exact(inspection: Inspection, kind: str, height: str, width: str) -> bool:
    """Whether an image has that size."""
    return any((one.height, one.width) == (number(height), number(width)) for one in _images(inspection, kind))


def image_size_range(
    inspection: Inspection, kind: str, height: str, width: str, most_height: str = "inf", most_width: str = "inf"
) -> bool:
    """Whether an image's size lies in that range."""
    return any(
        number(height) <= one.height <= number(most_height, float("inf"))
        and number(width) <= one.width <= number(most_width, float("inf"))
        for one in _images(inspection, kind)
    )


def pixel_coverage(inspection: Inspection, kind: str, least: str, most: str = "inf") -> bool:
    """Whether the images have so many pixels together."""
    return number(least) <= _pixels(inspection, kind) <= number(most, float("inf"))


def image_to_text_ratio(inspection: Inspection, kind: str, least: str, most: str) -> bool:
    """Whether text per pixel lies in that range."""
    pixels = _pixels(inspection, kind)
    text = sum(map(len, inspection.bodies.lines))
    return bool(pixels) and number(least) < text / pixels <= number(most)


def _pixels(inspection: Inspection, kind: str) -> int:
    return sum(one.width * one.height for one in _images(inspection, kind))


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        image_count, image_named, image_size_exact, image_size_range, pixel_coverage, image_to_text_ratio
    )
}  # fmt: skip
