"""Accounts: who may log in, with what, as whom they may send, and whether they are frozen.

A row of the table of accounts is an address that exists; with a `password` its owner can log in. Rows are edited by
hand, so each is read for itself: one that cannot be used locks nobody else out.

    AccountError    a row cannot be used; the text names the attribute and says what would be right
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

MAX_APP_PASSWORDS = 50
MAX_IDENTITIES = 200
MAX_LIMIT = 1_000_000
MAX_LABEL = 64
ANYBODY = "*"
"""The identity of an account that may send as everybody."""

_HASH = re.compile(r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,2})\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_MOST_MEMORY_KIB, _MOST_PASSES, _MOST_LANES = 65_536, 10, 4
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


class AccountError(ValueError):
    """A row of the table of accounts that cannot be used."""


@dataclass(frozen=True, slots=True)
class AppPassword:
    """A further password of an account, for one program. `hashed` is an argon2id string in PHC form.

    `starts` is what the password begins with: it tells which hash to try, so that a login costs one verification
    however many passwords there are.
    """

    label: str
    hashed: str
    starts: str
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Why and since when an account may not send or log in."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class SendingLimits:
    """Messages and recipients an account may send in an hour; `None` leaves it to policy."""

    messages: int | None = None
    recipients: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `address` is canonical.

    `hashed` is the argon2id string of its password, empty for an address that only receives. `identities` are what it
    may send as beside its own address: addresses, `*@example.com` for all of a domain, and `*` for anybody.
    """

    address: str
    hashed: str = ""
    app_passwords: tuple[AppPassword, ...] = ()
    identities: tuple[str, ...] = ()
    limits: SendingLimits = SendingLimits()
    frozen: Freeze | None = None

    def may_send_as(self, address: str) -> bool:
        """Whether a canonical address is the account's own or one of its identities."""
        domain = address.rpartition("@")[2]
        return address == self.address or bool({address, f"*@{domain}", ANYBODY} & set(self.identities))


# --- reading a row ----------------------------------------------------------------------------------------


def read_account(row: Mapping[str, object]) -> Account:
    """The account of a row: `address`, and optionally `password`, `app_passwords` (a map of labels to maps with
    `password` and `starts`), `last_used` (a map of labels to times), `identities` (a list, a set, or a text with
    commas or blanks between them), `limit_messages`, `limit_recipients`, `frozen_since`, `frozen_reason`.

    Other attributes, such as `note`, are for people. Raises `AccountError`.
    """
    address = row.get("address")
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise AccountError("address: expected an address such as ann@example.com")
    return Account(
        address=address,
        hashed=_hash(row["password"], "password") if row.get("password") else "",
        app_passwords=_app_passwords(row),
        identities=_identities(row.get("identities")),
        limits=SendingLimits(_limit(row, "limit_messages"), _limit(row, "limit_recipients")),
        frozen=_freeze(row),
    )


def _hash(value: object, place: str) -> str:
    """A hash whose verification costs no more than a front end can give."""
    found = _HASH.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise AccountError(f"{place}: expected an argon2id hash; set it with `postern accounts passwd`")
    memory, passes, lanes = map(int, found.groups())
    if memory > _MOST_MEMORY_KIB or passes > _MOST_PASSES or lanes > _MOST_LANES:
        raise AccountError(f"{place}: this argon2id hash asks for more memory or time than is allowed")
    return found[0]


def _app_passwords(row: Mapping[str, object]) -> tuple[AppPassword, ...]:
    stored, used = _map(row, "app_passwords"), _map(row, "last_used")
    if len(stored) > MAX_APP_PASSWORDS:
        raise AccountError(f"app_passwords: at most {MAX_APP_PASSWORDS}")
    return tuple(_app_password(label, value, used.get(label)) for label, value in sorted(stored.items()))


def _app_password(label: str, value: object, used: object) -> AppPassword:
    place = f"app_passwords.{label}"
    starts = value.get("starts") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(starts, str) or not starts:
        raise AccountError(f"{place}: expected a map with `password` and `starts`")
    return AppPassword(
        label, _hash(value.get("password"), f"{place}.password"), starts, _time(used, f"last_used.{label}")
    )


def _identities(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if isinstance(value, set | frozenset):
        value = sorted(map(str, value))
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > MAX_IDENTITIES:
        raise AccountError(f"identities: expected at most {MAX_IDENTITIES} addresses")
    found = tuple(str(one).strip().lower() for one in value)
    for one in found:
        if one != ANYBODY and not _ADDRESS.fullmatch(one):
            raise AccountError(f"identities: {one!r} is no address, nor *@example.com, nor *")
    return found


def _limit(row: Mapping[str, object], name: str) -> int | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, int | Decimal | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) > MAX_LIMIT:
        raise AccountError(f"{name}: expected a number from 0 to {MAX_LIMIT}, found {value!r}")
    return int(text)


def _freeze(row: Mapping[str, object]) -> Freeze | None:
    since = _time(row.get("frozen_since"), "frozen_since")
    return Freeze(since, str(row.get("frozen_reason", ""))) if since else None


def _time(value: object, place: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as wrong:
        raise AccountError(f"{place}: expected a time such as 2026-11-22T18:00:00Z, found {value!r}") from wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _map(row: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = row.get(name, {})
    if not isinstance(value, Mapping) or any(not 0 < len(str(label)) <= MAX_LABEL for label in value):
        raise AccountError(f"{name}: expected a map of labels of at most {MAX_LABEL} characters")
    return {str(label): entry for label, entry in value.items()}
