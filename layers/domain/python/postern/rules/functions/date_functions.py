"""Functions over dates: Date against the Received fields, Outlook's Message-IDs against Date."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Mapping

from postern.rules.functions.kind import Function, number
from postern.rules.inspection import Inspection

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = "|".join(_MONTHS)
_DAY_FIRST = re.compile(rf" (\d+) ({_MONTH}) (\d{{2,4}}) ", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf" ({_MONTH}) +(\d+) \d+:\d+:\d+ (\d{{4}}) ", re.IGNORECASE)
_TIME = re.compile(r" (\d?\d):(\d\d)(?::(\d\d))? ")
_OFFSET = re.compile(r" ([-+])(\d\d)(\d\d) ")
_ZONE = re.compile(r"\b([A-Z]{2,4}(?:-DST)?)\b")
_ZONES = {
    "ACDT": 630, "ADT": -180, "AEDT": 660, "AEST": 600, "AHST": -600, "AST": -240, "AT": -120, "AWDT": 540, "AWST": 480,
    "AZST": 240, "BAT": 180, "BDST": 120, "BET": -660, "BST": 60, "BT": 180, "BZT2": -180, "CADT": 630, "CAST": 570,
    "CAT": -600, "CCT": 480, "CDT": -300, "CED": 120, "CET": 60, "CEST": 120, "CST": -360, "EAST": 600, "EDT": -240,
    "EED": 180, "EET": 120, "EEST": 180, "EST": -300, "FST": 120, "FWT": 60, "GMT": 0, "GST": 600, "HDT": -540,
    "HKT": 480, "HST": -600, "IDLE": 720, "IDLW": -720, "IST": 330, "IT": 210, "JST": 540, "JT": 450, "KST": 540,
    "MDT": -360, "MED": 120, "MEST": 120, "MESZ": 120, "MET": 60, "MEWT": 60, "MEX": -360, "MEZ": 60, "MSD": 240,
    "MSK": 180, "MST": -420, "MT": 510, "NDT": -150, "NFT": -210, "NT": -660, "NST": -210, "NZ": 660, "NZST": 720,
    "NZDT": 780, "NZT": 720, "PDT": -420, "PST": -480, "ROK": 540, "SAD": 600, "SAST": 120, "SAT": 540, "SDT": 600,
    "SGT": 480, "SST": 120, "SWT": 60, "UKR": 120, "UT": 0, "UTC": 0, "WADT": 480, "WAT": 0, "WST": 480, "YDT": -480,
    "YST": -540, "ZP4": 240, "ZP5": 300, "ZP6": 360,
}  # fmt: skip
"""Minutes east of Greenwich, for names that mailers write instead of numbers."""

_RECEIVED_DATE = re.compile(r"(\s.?\d+ \S\S\S \d+ \d+:\d+:\d+ \S+)")
_LOCAL = re.compile(r"\bfrom (?:localhost\s|(?:\S+ ){1,2}\S*\b127\.0\.0\.1\b)|qmail \d+ invoked by uid \d+")
_FETCHED = re.compile(r"\bby localhost with \w+ \(fetchmail-[\d.]+")
_OUTLOOK_ID = re.compile(r"<[0-9a-f]{4}([0-9a-f]{8})\$[0-9a-f]{8}\$[0-9a-f]{8}@")
_SECONDS_PER_HOUR = 3600


def seconds(text: str) -> int | None:
    """Seconds since 1970 for a date as mailers write it, nonsense trimmed to what could be; `None` for no date."""
    spaced = re.sub(r"\s+", " ", re.sub(r", *", " ", f" {text} "))
    found = _DAY_FIRST.search(spaced)
    other = None if found else _MONTH_FIRST.search(spaced)
    if found:
        day, month, year = int(found[1][:4]), found[2], found[3]
    elif other:
        day, month, year = int(other[2][:4]), other[1], other[3]
    else:
        return None
    return _moment(day, _MONTHS.index(month.lower()) + 1, _year(year), spaced)


def _year(written: str) -> int:
    year = int(written)
    if len(written) == 2 and year < 50:
        year += 2000
    elif len(written) != 4:
        year += 1900
    return min(max(year, 1970), 2037)


def _moment(day: int, month: int, year: int, spaced: str) -> int | None:
    time = _TIME.search(spaced)
    hour, minute, second = (int(one or 0) for one in time.groups()) if time else (0, 0, 0)
    longest = 30 if month in (4, 6, 9, 11) else 29 if month == 2 else 31
    if day > longest:
        day, month = 1, month + 1
        if month > 12:
            month, year = 1, min(year + 1, 2037)
    moment = timegm((year, month, max(day, 1), min(hour, 23), min(minute, 59), min(second, 59)))
    return max(moment - _offset(spaced), 0)


def _offset(spaced: str) -> int:
    """Seconds east of Greenwich."""
    found = _OFFSET.search(_TIME.sub(" ", spaced))
    if found:
        value = (int(found[2]) * 60 + int(found[3])) * 60
        return -value if found[1] == "-" else value
    zone = _ZONE.search(spaced)
    return _ZONES.get(zone[1], 0) * 60 if zone else 0


def check_for_shifted_date(inspection: Inspection, least: str, most: str) -> bool:
    """Whether Date lies so many hours before or after the nearest Received field."""
    if "date_difference" not in inspection.notes:
        inspection.notes["date_difference"] = _difference(inspection)
    difference: int = inspection.notes["date_difference"]
    return (least == "undef" or difference >= number(least) * _SECONDS_PER_HOUR) and (
        most == "undef" or difference < number(most) * _SECONDS_PER_HOUR
    )


def _difference(inspection: Inspection) -> int:
    written = _date(inspection)
    received = _received_times(inspection)
    if written is None or not received:
        return 0
    differences = [written - one for one in received]
    if len(differences) > 1 and differences[-1] == 0:
        differences.pop()
    return min(differences, key=abs)


def _date(inspection: Inspection) -> int | None:
    for name in ("Resent-Date", "Date"):
        for text in inspection.headers.strings(name):
            found = seconds(text.strip())
            if found is not None:
                return found
    return None


def _received_times(inspection: Inspection) -> list[int]:
    lines = [line for line in inspection.headers.string("Received").split("\n") if line.strip()]
    if inspection.circumstances.received_at is not None:
        return [int(inspection.circumstances.received_at.timestamp()), *_times(lines)]
    local = [lines.pop(0)] if lines and _LOCAL.search(lines[0]) else []
    if lines and _FETCHED.search(lines[0]):
        lines.pop(0)
    elif local:
        lines = local + lines
    return _times(lines)


def _times(lines: list[str]) -> list[int]:
    dates = [_RECEIVED_DATE.search(line) for line in lines]
    times = [seconds(found[1]) for found in dates if found]
    return [time for time in times if time is not None]


def check_outlook_message_id(inspection: Inspection) -> bool:
    """Whether a Message-ID in the manner of Outlook holds another time than the message."""
    found = _OUTLOOK_ID.match(inspection.headers.string("MESSAGEID"))
    if found is None:
        return False
    token = int(found[1], 16)
    received = inspection.headers.string("Received")
    dates = _RECEIVED_DATE.search(received)
    moments = (seconds(inspection.headers.string("Date").strip()), seconds(dates[1]) if dates else None)
    return all(abs(token - int((moment or 0) * 0.0023283064365387 + 27111902.8329849)) >= 250 for moment in moments)


FUNCTIONS: Mapping[str, Function] = {
    "check_for_shifted_date": check_for_shifted_date,
    "check_outlook_message_id": check_outlook_message_id,
}
