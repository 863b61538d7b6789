"""ROC curves as an SVG picture, without a plotting library: both axes logarithmic, as spam filters are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 640, 480, 70
LEAST_FALSE_POSITIVE, LEAST_MISSED = 0.0002, 0.0005
COLOURS = ("#0b6e4f", "#c1121f", "#3a5a99", "#b26e00", "#6a4c93")
Point = tuple[float, float]


def draw(title: str, curves: Mapping[str, Sequence[Point]]) -> str:
    """The picture; a curve is a sequence of (false-positive rate, missed-spam rate), both as fractions."""
    body = [_axes(title)]
    for index, (name, points) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{_x(false_positive):.1f},{_y(missed):.1f}" for false_positive, missed in points)
        body.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        legend = f'x="{WIDTH - MARGIN - 190}" y="{MARGIN + 18 + 18 * index}"'
        body.append(f'<text {legend} fill="{colour}" font-size="13">{escape(name)}</text>')
    inside = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{inside}\n</svg>\n'
    )


def _axes(title: str) -> str:
    lines = [f'<text x="{MARGIN}" y="30" font-size="16">{escape(title)}</text>']
    for value in (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0):
        x, y = _x(value), _y(value)
        lines.append(_line(x, MARGIN, x, HEIGHT - MARGIN) + _label(x, HEIGHT - MARGIN + 18, value, "middle"))
        lines.append(_line(MARGIN, y, WIDTH - MARGIN, y) + _label(MARGIN - 8, y + 4, value, "end"))
    lines.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 20}" font-size="13" text-anchor="middle">ham taken for spam</text>'
    )
    turned = f'transform="rotate(-90 18 {HEIGHT / 2})"'
    lines.append(f'<text x="18" y="{HEIGHT / 2}" font-size="13" text-anchor="middle" {turned}>spam missed</text>')
    return "\n".join(lines)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _label(x: float, y: float, value: float, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}" fill="#555">{value:.2%}</text>'


def _x(rate: float) -> float:
    return MARGIN + _position(rate, LEAST_FALSE_POSITIVE) * (WIDTH - 2 * MARGIN)


def _y(rate: float) -> float:
    return MARGIN + (1 - _position(rate, LEAST_MISSED)) * (HEIGHT - 2 * MARGIN)


def _position(rate: float, least: float) -> float:
    """0 for `least` and below, 1 for all."""
    return math.log(max(rate, least) / least) / math.log(1 / least)
