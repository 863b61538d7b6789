"""The one codec between values and JSON, across the front end, Lambda, the state machine and storage.

`to_json` makes plain JSON data of frozen values; `from_json` makes the values again, by their type hints. Lone
surrogates (octets that were not UTF-8) are written as `\\xNN`, because JSON and DynamoDB refuse them.

    WireError    data that is not of the expected shape; the text names the place
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
TRUNCATED = "…"


class WireError(ValueError):
    """JSON data that does not fit the type it was read as."""


def clean_text(text: str) -> str:
    """`text` without lone surrogates: octets that could not be decoded become `\\xNN`."""
    return _LONE_SURROGATE.sub(lambda found: f"\\x{ord(found.group()) & 0xFF:02x}", text)


def truncate(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, with a mark where it was cut."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + TRUNCATED


def dumps(value: object) -> str:
    """Compact JSON text of any value this codec knows."""
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json(value: object) -> Json:
    """Plain JSON data: dataclasses become maps without the attributes that have their default."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return _compound_to_json(value)


def _compound_to_json(value: object) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _record_to_json(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): to_json(entry) for key, entry in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        entries = value if isinstance(value, Sequence) else sorted(value, key=str)
        return [to_json(entry) for entry in entries]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise WireError(f"a value of type {type(value).__name__} cannot be written as JSON")


def _record_to_json(record: Any) -> Json:
    written = {}
    for item in dataclasses.fields(record):
        value = getattr(record, item.name)
        if item.default is dataclasses.MISSING or value != item.default:
            written[item.name] = to_json(value)
    return written


def from_json(kind: type[T], data: Json, **variables: type) -> T:
    """The value of type `kind` from JSON data; `variables` gives a generic type's variables by attribute name.

    `from_json(CheckResult, data, evidence=SpfEvidence)`. Unknown attributes are refused. Raises `WireError`.
    """
    read: T = _read(kind, data, kind.__name__, variables)
    return read


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, data: Json, place: str, variables: Mapping[str, type]) -> Any:
    origin = get_origin(hint)
    if hint is Any or hint is object:
        return data
    if hasattr(hint, "__supertype__"):
        return _read(hint.__supertype__, data, place, variables)
    if origin in (Union, types.UnionType):
        return None if data is None else _read(_not_none(hint), data, place, variables)
    if origin is tuple:
        return _read_tuple(get_args(hint), data, place)
    if origin is not None and issubclass(origin, Mapping):
        return _read_map(get_args(hint)[1], data, place)
    kind = origin or hint
    return (
        _read_record(kind, data, place, variables)
        if dataclasses.is_dataclass(kind)
        else _read_scalar(kind, data, place)
    )


def _not_none(hint: Any) -> Any:
    return next(argument for argument in get_args(hint) if argument is not type(None))


def _read_tuple(items: tuple[Any, ...], data: Json, place: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise WireError(f"{place}: expected a list")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_read(items[0], entry, f"{place}[{index}]", {}) for index, entry in enumerate(data))
    if len(items) != len(data):
        raise WireError(f"{place}: expected {len(items)} entries, found {len(data)}")
    return tuple(_read(item, entry, place, {}) for item, entry in zip(items, data, strict=True))


def _read_map(item: Any, data: Json, place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise WireError(f"{place}: expected a map")
    return {str(key): _read(item, entry, f"{place}.{key}", {}) for key, entry in data.items()}


def _read_record(kind: Any, data: Json, place: str, variables: Mapping[str, type]) -> Any:
    if not isinstance(data, Mapping):
        raise WireError(f"{place}: expected a map")
    hints = _hints(kind)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise WireError(f"{place}: unknown attribute {unknown[0]!r}")
    read = {name: _read_attribute(name, hints[name], data[name], place, variables) for name in data}
    try:
        return kind(**read)
    except TypeError as missing:
        raise WireError(f"{place}: {missing}") from missing


def _read_attribute(name: str, hint: Any, data: Json, place: str, variables: Mapping[str, type]) -> Any:
    if name in variables:
        return None if data is None else _read(variables[name], data, f"{place}.{name}", {})
    return _read(hint, data, f"{place}.{name}", {})


def _read_scalar(kind: Any, data: Json, place: str) -> Any:
    if isinstance(kind, TypeVar):
        raise WireError(f"{place}: the type of this attribute was not given")
    if issubclass(kind, Enum):
        return _read_word(kind, data, place)
    if kind is datetime:
        return _read_time(data, place)
    if kind is int and isinstance(data, Decimal) and data == int(data):
        return int(data)
    if kind is bool or not isinstance(data, bool):
        if isinstance(data, kind):
            return data
        if kind is float and isinstance(data, int | Decimal):
            return float(data)
    raise WireError(f"{place}: expected {kind.__name__}, found {type(data).__name__}")


def _read_word(kind: type[Enum], data: Json, place: str) -> Enum:
    try:
        return kind(data)
    except ValueError as wrong:
        raise WireError(f"{place}: {data!r} is not a {kind.__name__}") from wrong


def _read_time(data: Json, place: str) -> datetime:
    try:
        read = datetime.fromisoformat(data)
    except (TypeError, ValueError) as wrong:
        raise WireError(f"{place}: expected an RFC 3339 time") from wrong
    if read.tzinfo is None:
        raise WireError(f"{place}: expected a time with its offset")
    return read.astimezone(UTC)
