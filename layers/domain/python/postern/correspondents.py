"""To whom a mailbox has written: what is learnt from outgoing mail, and by which address somebody is known again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from postern.message import Message
from postern.mime.domain_labels import to_ascii_domain
from postern.ports import Correspondence
from postern.reverse_path_tags import unwrapped

MAX_LEARNT = 100
"""Recipients of one message that are remembered; a mailing to more is no correspondence."""

MAX_ADDRESS = 320
_BULK = frozenset({"bulk", "junk", "list"})


def known_as(address: str) -> str:
    """The spelling under which an address is known: lower case, A-labels, without bounce tags; empty for none."""
    local_part, _, domain = unwrapped(address).rpartition("@")
    name = to_ascii_domain(domain)
    spelling = f"{local_part}@{name}"
    return spelling if local_part.isprintable() and local_part and name and len(spelling) <= MAX_ADDRESS else ""


def learnt_from(
    mailbox: str, forward_paths: Iterable[str], message: Message, now: datetime, keep: timedelta
) -> tuple[Correspondence, ...]:
    """Whom `mailbox` knows after sending this message, until `now + keep`.

    What a program answered by itself teaches nothing: a vacation notice is sent to anybody, a spammer too.
    """
    addresses = tuple(dict.fromkeys(known_as(path) for path in forward_paths))
    if is_automatic(message) or len(addresses) > MAX_LEARNT:
        return ()
    return tuple(Correspondence(mailbox, address, now + keep) for address in addresses if address)


def is_automatic(message: Message) -> bool:
    """Whether a program sent the message by itself, or to many (RFC 3834 §5, RFC 8098, RFC 3464)."""
    automatic = message.value("auto-submitted", "no").partition(";")[0].strip().lower() != "no"
    bulk = message.value("precedence").strip().lower() in _BULK
    return automatic or bulk or message.root.content_type == "multipart/report"
