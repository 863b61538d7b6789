"""Functions over the HTML of a message (SpamAssassin's HTMLEval and HTTPSMismatch)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from postern.rules.functions.kind import Function, compares, matches, number, pattern
from postern.rules.inspection import Inspection
from postern.rules.rendering import Rendering

_HOST = re.compile(r"https?://([^/:?#]+)", re.IGNORECASE)
_SHOWN_HTTPS = re.compile(r"https://([^\s/:?#]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"[\d.]+\Z|\[")
_NUMERIC_URI = re.compile(r"https?:/*(?:[^@/]+@)?\d+\.\d+\.\d+\.\d+", re.IGNORECASE)


def _pages(inspection: Inspection) -> Iterable[Rendering]:
    return inspection.bodies.html


def html_test(inspection: Inspection, name: str) -> bool:
    """Whether a measure or fact of the HTML is true."""
    return any(page.numbers.get(name) or page.texts.get(name) for page in _pages(inspection))


def html_eval(inspection: Inspection, name: str, expression: str) -> bool:
    """Whether a measure of the HTML compares as said: `('title_index', '> 1')`."""
    return any(name in page.numbers and compares(page.numbers[name], expression) for page in _pages(inspection))


def html_range(inspection: Inspection, name: str, least: str, most: str = "inf") -> bool:
    """Whether a measure lies above `least` and not above `most`."""
    low, high = number(least), number(most, float("inf"))
    return any(name in page.numbers and low < page.numbers[name] <= high for page in _pages(inspection))


def html_tag_exists(inspection: Inspection, tag: str) -> bool:
    """Whether the tag occurs."""
    return any(tag in page.inside for page in _pages(inspection))


def html_tag_balance(inspection: Inspection, tag: str, expression: str) -> bool:
    """Whether the number of elements that are open at the end compares as said."""
    return any(tag in page.inside and compares(page.inside[tag], expression) for page in _pages(inspection))


def html_image_only(inspection: Inspection, least: str, most: str) -> bool:
    """Whether there are images in HTML of that length."""
    low, high = number(least), number(most)
    return any("img" in page.inside and low < page.numbers["length"] <= high for page in _pages(inspection))


def html_image_ratio(inspection: Inspection, least: str, most: str) -> bool:
    """Whether text per area of images lies in that range."""
    low, high = number(least), number(most)
    return any(
        page.numbers["image_area"] > 0 and low < page.numbers["non_space_len"] / page.numbers["image_area"] <= high
        for page in _pages(inspection)
    )


def html_text_match(inspection: Inspection, name: str, text: str) -> bool:
    """Whether a title, comment, script or anchor matches."""
    compiled = pattern(inspection, text)
    return any(matches(compiled, one) for page in _pages(inspection) for one in page.texts.get(name, ()))


def html_text_not_match(inspection: Inspection, name: str, text: str) -> bool:
    """Whether there is one that does not match."""
    compiled = pattern(inspection, text)
    return any(not matches(compiled, one) for page in _pages(inspection) for one in page.texts.get(name, ()))


def html_title_subject_ratio(inspection: Inspection, ratio: str) -> bool:
    """Whether the title is that many times as long as the subject."""
    subject = inspection.headers.string("Subject")
    titles = [title for page in _pages(inspection) for title in page.texts["title"]]
    return bool(subject) and any(len(title) / len(subject) > number(ratio) for title in titles)


def html_charset_faraway(inspection: Inspection) -> bool:
    """Never: which charsets are strange is for `ok_locales`, and all are welcome."""
    return False


def check_iframe_src(inspection: Inspection) -> bool:
    """Whether a frame within the text loads something."""
    return any("iframe" in detail.types for page in _pages(inspection) for detail in page.uris.values())


def check_https_ip_mismatch(inspection: Inspection) -> bool:
    """Whether a link to a numeric address shows one that begins with https."""
    for page in _pages(inspection):
        for uri, detail in page.uris.items():
            if _NUMERIC_URI.match(uri) and any(
                "https:" in text.lower() and not _NUMERIC_URI.search(text) for text in detail.anchors
            ):
                return True
    return False


def check_https_http_mismatch(inspection: Inspection, least: str = "1", most: str = "") -> bool:
    """Whether, among so many links, one shows an https address of another domain than it goes to."""
    domains = inspection.settings.domains
    for page in _pages(inspection):
        anchors, hit = 0, False
        for uri, detail in page.uris.items():
            host = _HOST.match(uri)
            if not detail.anchors or host is None or _ADDRESS.match(host[1]):
                continue
            target = domains.trim(host[1])
            if not domains.is_known(target):
                continue
            anchors += 1
            shown = [found[1] for text in detail.anchors if (found := _SHOWN_HTTPS.search(text))]
            hit = hit or any(domains.is_known(one) and domains.trim(one) != target for one in shown)
        if hit and anchors >= (number(least) or 1) and (not most or anchors < number(most)):
            return True
    return False


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        html_test, html_eval, html_range, html_tag_exists, html_tag_balance, html_image_only, html_image_ratio,
        html_text_match, html_text_not_match, html_title_subject_ratio, html_charset_faraway, check_iframe_src,
        check_https_ip_mismatch, check_https_http_mismatch,
    )
}  # fmt: skip
