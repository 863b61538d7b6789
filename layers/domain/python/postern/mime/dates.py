"""Date and time (RFC 5322 §3.3 and §4.3), as mailers write it and as they should."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from postern.mime.parameters import strip_comments

_MAX_CHARACTERS = 1_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
"""The zones RFC 5322 §4.3 names; every other name, military letters included, means an unknown offset: UTC."""

_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,9})?)?"
_ZONE = r"(?:\s*(?P<zone>[+-]\d{4}|[A-Za-z]{1,9}))?"
_DAY_FIRST = re.compile(
    rf"(?P<day>\d{{1,2}})[\s-]+(?P<month>[A-Za-z]{{3,9}}|\d{{1,2}})[\s.-]+(?P<year>\d{{4}}|\d{{2,3}})[\s,]+{_TIME}{_ZONE}"
)
_MONTH_FIRST = re.compile(
    rf"(?P<month>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s+(?:(?P<name>[A-Za-z]{{1,5}})\s+)?(?P<year>\d{{4}}){_ZONE}"
)


def parse_date(text: str) -> datetime | None:
    """The moment a Date field, or the end of a Received field, tells; None when it tells none.

    The result is aware. Comments, a wrong or missing day of the week, missing seconds, years of two digits and the
    order of C's `asctime` are accepted; a zone that is unknown or missing is UTC.
    """
    text = strip_comments(text[-_MAX_CHARACTERS:].rpartition(";")[2])
    found = _DAY_FIRST.search(text) or _MONTH_FIRST.search(text)
    if found is None:
        return None
    month = _month(found["month"])
    if not month:
        return None
    try:
        return datetime(
            _year(found["year"]),
            month,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            min(int(found["second"] or 0), 59),
            tzinfo=_zone(found["zone"] or found.groupdict().get("name") or ""),
        )
    except ValueError:
        return None


def _month(word: str) -> int:
    if word.isdigit():
        return int(word)
    name = word[:3].lower()
    return _MONTHS.index(name) + 1 if name in _MONTHS else 0


def _year(digits: str) -> int:
    """RFC 5322 §4.3: two digits up to 49 are of this century, three count from 1900."""
    year = int(digits)
    if len(digits) >= 4:
        return year
    return year + 2000 if year < 50 and len(digits) == 2 else year + 1900


def _zone(word: str) -> timezone:
    if word[:1] in ("+", "-"):
        minutes = int(word[1:3]) * 60 + int(word[3:5])
        offset = timedelta(minutes=-minutes if word[0] == "-" else minutes)
        return timezone(offset) if abs(offset) < timedelta(days=1) else UTC
    hours = _ZONES.get(word[:3].lower(), 0)
    return timezone(timedelta(hours=hours)) if hours else UTC
