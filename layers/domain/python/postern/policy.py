"""How policy is written, read and merged: typed sections with defaults, documentation and three scopes.

A section is a frozen dataclass whose attributes are made by `setting()`. What people store is a plain mapping per
scope (`global`, `domain:example.com`, `mailbox:ann@example.com`) and section; the narrower scope wins, attribute by
attribute (`merge`), and `read_section` turns the result into the typed section or says what is wrong.

    PolicyError     an attribute is unknown, of the wrong type, out of bounds, or not allowed at its scope
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from postern.model import Points

SectionT = TypeVar("SectionT")
MAX_POINTS = 100_000_00
MAX_LIST_LENGTH = 2_000
MAX_TEXT_LENGTH = 4_000


class PolicyError(ValueError):
    """A setting that cannot be used; the text names the section and attribute and says what would be right."""


class Mode(StrEnum):
    """How far a check may go: not run, only told, its points counted, its proposals carried out as well."""

    OFF = "off"
    OBSERVE = "observe"
    SCORE = "score"
    ENFORCE = "enforce"


class Scope(StrEnum):
    """Where a setting can be made."""

    GLOBAL = "global"
    DOMAIN = "domain"
    MAILBOX = "mailbox"


EVERY_SCOPE = (Scope.GLOBAL, Scope.DOMAIN, Scope.MAILBOX)


def setting(
    default: Any,
    doc: str,
    *,
    scopes: tuple[Scope, ...] = (Scope.GLOBAL,),
    minimum: float | None = None,
    maximum: float | None = None,
    shared_with: str = "",
) -> Any:
    """An attribute of a policy section: default, documentation, scopes where it can be set, and bounds.

    Bounds are in the unit people write (points as decimals). One that is `shared_with` another section counts as it
    is set there, unless the section itself says otherwise.
    """
    metadata = {"doc": doc, "scopes": scopes, "minimum": minimum, "maximum": maximum, "shared_with": shared_with}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _no_scores() -> Mapping[str, Points]:
    return types.MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPolicy:
    """What every check's section has."""

    mode: Mode = setting(Mode.SCORE, "off, observe, score or enforce", scopes=EVERY_SCOPE)
    scores: Mapping[str, Points] = setting(
        _no_scores, "points per symbol, in place of the default ones", scopes=EVERY_SCOPE
    )
    required: bool = setting(False, "defer the message when this check could not be done", scopes=EVERY_SCOPE)
    skip_trusted: bool = setting(True, "do not run for clients in the trusted networks")
    skip_authenticated: bool = setting(True, "do not run for authenticated sessions")


@cache
def attributes(section: Any) -> Mapping[str, dataclasses.Field[Any]]:
    """The settings of a section type by name, in the order they are written."""
    return {item.name: item for item in dataclasses.fields(section)}


@cache
def _hints(section: Any) -> Mapping[str, Any]:
    return get_type_hints(section)


def read_section(section: type[SectionT], stored: Mapping[str, object], name: str) -> SectionT:
    """The typed section from stored attributes; what is absent has its default. Raises `PolicyError`."""
    kind: Any = section
    known = attributes(kind)
    for attribute in stored:
        if attribute not in known:
            choices = ", ".join(sorted(known))
            raise PolicyError(f"{name}: there is no setting {attribute!r}; the settings are: {choices}")
    values = {
        attribute: _read_value(_hints(kind)[attribute], value, f"{name}.{attribute}", known[attribute].metadata)
        for attribute, value in stored.items()
    }
    return section(**values)


def check_scope(section: type, stored: Mapping[str, object], scope: Scope, name: str) -> None:
    """Raise `PolicyError` when an attribute is set at a scope where it cannot be."""
    known = attributes(section)
    for attribute in stored:
        if attribute in known and scope not in known[attribute].metadata.get("scopes", (Scope.GLOBAL,)):
            allowed = ", ".join(known[attribute].metadata.get("scopes", (Scope.GLOBAL,)))
            raise PolicyError(f"{name}.{attribute}: cannot be set per {scope}; it can be set at: {allowed}")


def merge(*layers: Mapping[str, object]) -> dict[str, object]:
    """Stored attributes of one section, widest scope first; the narrower wins, maps are merged key by key."""
    merged: dict[str, object] = {}
    for layer in layers:
        for attribute, value in layer.items():
            wider = merged.get(attribute)
            both = isinstance(wider, Mapping) and isinstance(value, Mapping)
            merged[attribute] = {**wider, **value} if both else value  # type: ignore[dict-item]
    return merged


def _read_value(hint: Any, value: object, place: str, bounds: Mapping[str, Any]) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _read_value(_not_none(hint), value, place, bounds)
    if origin is tuple:
        return _read_list(get_args(hint)[0], value, place, bounds)
    if origin is not None and issubclass(origin, Mapping):
        return _read_map(get_args(hint)[1], value, place, bounds)
    if hint is Points:
        return _read_points(value, place, bounds)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _read_record(hint, value, place)
    return _read_scalar(hint, value, place, bounds)


def _not_none(hint: Any) -> Any:
    return next(argument for argument in get_args(hint) if argument is not type(None))


def _read_list(item: Any, value: object, place: str, bounds: Mapping[str, Any]) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence | frozenset | set):
        raise PolicyError(f"{place}: expected a list")
    if len(value) > MAX_LIST_LENGTH:
        raise PolicyError(f"{place}: at most {MAX_LIST_LENGTH} entries, found {len(value)}")
    entries = sorted(value, key=str) if isinstance(value, frozenset | set) else value
    return tuple(_read_value(item, entry, f"{place}[{index}]", bounds) for index, entry in enumerate(entries))


def _read_map(item: Any, value: object, place: str, bounds: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PolicyError(f"{place}: expected a map of names to values")
    if len(value) > MAX_LIST_LENGTH:
        raise PolicyError(f"{place}: at most {MAX_LIST_LENGTH} entries, found {len(value)}")
    read = {str(key): _read_value(item, entry, f"{place}.{key}", bounds) for key, entry in value.items()}
    return types.MappingProxyType(read)


def _read_record(hint: type, value: object, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise PolicyError(f"{place}: expected a map with {', '.join(attributes(hint))}")
    try:
        return read_section(hint, value, place)
    except TypeError as missing:
        raise PolicyError(f"{place}: {missing}") from missing


def _read_points(value: object, place: str, bounds: Mapping[str, Any]) -> Points:
    number = _read_number(value, place, "points such as 5 or -1.5")
    if abs(number * 100) > MAX_POINTS:
        raise PolicyError(f"{place}: expected points between -100000 and 100000, found {value!r}")
    _check_bounds(number, place, bounds)
    return Points(int((number * 100).to_integral_value()))


def _read_scalar(hint: Any, value: object, place: str, bounds: Mapping[str, Any]) -> Any:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _read_word(hint, value, place)
    if hint is bool:
        return _read_flag(value, place)
    if hint is int:
        return _read_integer(value, place, bounds)
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
        raise PolicyError(f"{place}: expected a text of at most {MAX_TEXT_LENGTH} characters")
    return value


def _read_word(hint: type[Enum], value: object, place: str) -> Enum:
    try:
        return hint(value)
    except ValueError as wrong:
        choices = ", ".join(str(word.value) for word in hint)
        raise PolicyError(f"{place}: {value!r} is not one of: {choices}") from wrong


def _read_flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise PolicyError(f"{place}: expected true or false, found {value!r}")
    return value


def _read_integer(value: object, place: str, bounds: Mapping[str, Any]) -> int:
    number = _read_number(value, place, "a whole number")
    if number != number.to_integral_value():
        raise PolicyError(f"{place}: expected a whole number, found {value!r}")
    _check_bounds(number, place, bounds)
    return int(number)


def _read_number(value: object, place: str, wanted: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation as wrong:
        raise PolicyError(f"{place}: expected {wanted}, found {value!r}") from wrong
    if isinstance(value, bool) or not number.is_finite():
        raise PolicyError(f"{place}: expected {wanted}, found {value!r}")
    return number


def _check_bounds(number: Decimal, place: str, bounds: Mapping[str, Any]) -> None:
    minimum, maximum = bounds.get("minimum"), bounds.get("maximum")
    if minimum is not None and number < Decimal(str(minimum)):
        raise PolicyError(f"{place}: must be at least {minimum}, found {number}")
    if maximum is not None and number > Decimal(str(maximum)):
        raise PolicyError(f"{place}: must be at most {maximum}, found {number}")
