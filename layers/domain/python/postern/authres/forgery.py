"""Finding fields that claim to be ours: whoever trusts our Authentication-Results must see none that we did not write.

RFC 8601 §5: a field that came in with our authserv-id is forged. One that cannot be read but mentions us is as bad,
because another reader may make sense of it.
"""

from __future__ import annotations

import re

from postern.authres.reading import read_results

_NAMES = re.compile(r"[0-9A-Za-z_\x80-\U0010ffff][0-9A-Za-z._\x80-\U0010ffff-]*+")


def names_us(value: str, authserv_id: str) -> bool:
    """Whether an incoming Authentication-Results value claims, or may be read as claiming, to be from us."""
    ours = _comparable(authserv_id)
    read = read_results(value)
    if read is None:
        return ours in _comparable(value)
    before_results = value.partition(";")[0]
    claimed = {_comparable(read.authserv_id), _comparable(before_results)}
    return ours in claimed or any(_comparable(name) == ours for name in _NAMES.findall(before_results))


def _comparable(name: str) -> str:
    return name.strip(' \t\r\n"').rstrip(".").casefold()
