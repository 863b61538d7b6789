"""Functions over the text of a message (SpamAssassin's BodyEval)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from postern.rules.body_texts import RenderedPart, decoded, short_chunks, simple_type
from postern.rules.functions.kind import Function, number
from postern.rules.inspection import Inspection

NO_SIGNATURE = 1e6
_STOCK_LINE = re.compile(r"^\s*([^:\s][^:\n]{2,29})\s*:\s*\S", re.MULTILINE)
_STOCK_WORD = re.compile(
    r"^trad(?:e|ing)date|company(?:name)?|s\w?(?:t\w?o\w?c\w?k|y\w?m(?:\w?b\w?o\w?l)?)|t(?:arget|icker)"
    r"|(?:opening|current)p(?:rice)?|p(?:rojected|osition)|expectations|weeks?high|marketperformance"
    r"|(?:year|week|month|day|price)(?:target|estimates?)|sector|r(?:ecommendation|ating)"
)
_SIGNATURE = re.compile(rb"^-- ?\r?$", re.MULTILINE)


def multipart_alternative_difference(inspection: Inspection, least: str, most: str) -> bool:
    """Whether so many per cent of the HTML alternative's words are missing in the plain one."""
    difference = _alternatives(inspection)[0]
    return (number(least) == 0 or difference > number(least)) and (most == "undef" or difference <= number(most))


def multipart_alternative_difference_count(inspection: Inspection, ratio: str, least: str) -> bool:
    """Whether the plain alternative has so many times as many words as the HTML one."""
    _, html, text = _alternatives(inspection)
    return html > number(least) and text / html > number(ratio)


def _alternatives(inspection: Inspection) -> tuple[float, int, int]:
    if "alternatives" not in inspection.notes:
        inspection.notes["alternatives"] = _compare_alternatives(inspection)
    found: tuple[float, int, int] = inspection.notes["alternatives"]
    return found


def _compare_alternatives(inspection: Inspection) -> tuple[float, int, int]:
    rendered = {id(one.part): one for one in inspection.bodies.rendered}
    worst, html_words, text_words = 0.0, 0, 0
    for part in inspection.mime.parts:
        if part.content_type != "multipart/alternative":
            continue
        leaves = [
            rendered[id(leaf)] for leaf in part.walk() if id(leaf) in rendered and leaf.content_type[:4] == "text"
        ]
        html = _words(one for one in leaves if one.rendering is not None)
        if not html and any("img" in one.rendering.inside for one in leaves if one.rendering is not None):
            html["\n"] = 1
        if not html:
            continue
        text = _words(one for one in leaves if one.rendering is None)
        html_words, text_words = len(html), len(text)
        missing = sum(1 for word, count in html.items() if word not in text or count - text[word] >= 1)
        worst = max(worst, missing / len(html) * 100)
    return worst, html_words, text_words


def _words(parts: Iterable[RenderedPart]) -> Counter[str]:
    return Counter(word for one in parts for word in one.text.split() if re.search(r"\w", word))


def check_blank_line_ratio(inspection: Inspection, least: str, most: str, lines: str = "1") -> bool:
    """Whether so many per cent of the lines are empty."""
    rows = [line for chunk in inspection.bodies.chunks for line in chunk.split(b"\n")]
    if len(rows) < max(number(lines), 1):
        return number(least) == 0
    share = 100 * sum(1 for row in rows if not row.strip()) / len(rows)
    return (number(least) == 0 or share > number(least)) and share <= number(most)


def tvd_vertical_words(inspection: Inspection, least: str, most: str) -> bool:
    """Whether a paragraph has so many blanks per hundred other characters."""
    if "vertical" not in inspection.notes:
        inspection.notes["vertical"] = max(map(_blank_share, inspection.bodies.lines), default=-1)
    high = number(most)
    return bool(number(least) <= inspection.notes["vertical"] < (101 if high >= 100 else high))


def _blank_share(line: bytes) -> int:
    if len(line) <= 5:
        return -1
    blanks = line.count(b" ")
    others = len(line) - blanks
    return 100 if blanks > others or not others else 100 * blanks // others


def check_stock_info(inspection: Inspection, least: str) -> bool:
    """Whether the first plain text lists so many facts as stock promoters do (`Ticker: …`)."""
    plain = next((one for one in inspection.bodies.rendered if simple_type(one.part) == "text/plain"), None)
    found = set()
    for chunk in short_chunks(plain.text.encode("utf-8", "replace")) if plain else ():
        for line in _STOCK_LINE.finditer(chunk.decode("utf-8", "replace")):
            word = _STOCK_WORD.search(re.sub(r"[^a-z]", "", line[1].lower()))
            if word:
                found.add(word[0])
    return number(least) == 0 or len(found) >= number(least)


def check_body_length(inspection: Inspection, most: str) -> bool:
    """Whether the body, as received, has no more octets than that."""
    body = inspection.message.body_bytes
    return len(body) <= number(most) or len(body) - bytes(body[:100_000]).count(b"\r\n") <= number(most)


def _signature(inspection: Inspection) -> tuple[int, int] | None:
    """The lengths of the first plain text before and after its signature line."""
    part = next((one for one in inspection.bodies.leaves if simple_type(one) == "text/plain"), None)
    if part is None:
        return None
    text = decoded(part)
    before, after = len(text), 0
    for line in _SIGNATURE.finditer(text):
        if len(text) - line.end() > 4:
            before, after = line.start(), len(text) - line.end()
    return before, after


def plaintext_body_length(inspection: Inspection, least: str, most: str = "inf") -> bool:
    """Whether the plain text without its signature has that length."""
    found = _signature(inspection)
    return found is not None and number(least) <= found[0] <= number(most, float("inf"))


def plaintext_sig_length(inspection: Inspection, least: str, most: str = "inf") -> bool:
    """Whether the signature has that length."""
    found = _signature(inspection)
    return found is not None and number(least) <= found[1] <= number(most, float("inf"))


def plaintext_body_sig_ratio(inspection: Inspection, least: str, most: str = "inf") -> bool:
    """Whether text per signature lies in that range."""
    found = _signature(inspection)
    if found is None:
        return False
    ratio = found[0] / found[1] if found[1] else NO_SIGNATURE
    return number(least) <= ratio <= number(most, float("inf"))


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        multipart_alternative_difference, multipart_alternative_difference_count, check_blank_line_ratio,
        tvd_vertical_words, check_stock_info, check_body_length, plaintext_body_length, plaintext_sig_length,
        plaintext_body_sig_ratio,
    )
}  # fmt: skip
