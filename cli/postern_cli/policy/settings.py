"""Every setting there is, described from the typed sections of the domain: nothing is listed a second time here.

PolicyError    there is no such section or setting
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from postern import catalog
from postern.model import Points
from postern.policy import PolicyError, Scope, attributes
from postern.sections import section_types


@dataclass(frozen=True, slots=True)
class Setting:
    """One attribute of a section. `default` is as people write it; bounds are in the unit they write."""

    section: str
    name: str
    hint: Any
    default: object
    doc: str
    scopes: tuple[Scope, ...]
    minimum: float | None = None
    maximum: float | None = None

    @property
    def key(self) -> str:
        """How it is named on the command line: `spam_filter.refuse_at`."""
        return f"{self.section}.{self.name}"

    @property
    def kind(self) -> str:
        """What kind of value it takes, with its bounds, in words."""
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("at least", self.minimum), ("at most", self.maximum))
            if bound is not None
        ]
        return ", ".join([kind_of(self.hint), *bounds])


@cache
def every_setting() -> tuple[Setting, ...]:
    """All settings, section by section, in the order their sections declare them."""
    return tuple(
        _setting(section, kind, field) for section, kind in section_types().items() for field in _fields(kind).values()
    )


def settings_of(section: str) -> tuple[Setting, ...]:
    """The settings of one section. Raises `PolicyError`."""
    if section not in section_types():
        raise PolicyError(f"there is no section {section!r}{_meant(section, section_types())}")
    return tuple(one for one in every_setting() if one.section == section)


def setting_of(key: str) -> tuple[Setting, str]:
    """The setting of a dotted key, and the name within it when it is a map: `spf.scores.SPF_FAIL`.

    Raises `PolicyError`.
    """
    section, _, rest = key.partition(".")
    name, _, entry = rest.partition(".")
    known = {one.name: one for one in settings_of(section)}
    if name not in known:
        problem = f"there is no setting {name!r} in {section}" if name else f"{key!r} names a section, not a setting"
        raise PolicyError(f"{problem}{_meant(name, known)}")
    found = known[name]
    if entry and not is_map(found.hint):
        raise PolicyError(f"{found.key} is no map, so it has no {entry!r}")
    return found, entry


def title_of(section: str) -> str:
    """What a section is about, for people."""
    if section in catalog.CHECKS:
        return catalog.check(section).SPEC.title
    return _first_sentence(section_types()[section].__doc__ or section)


def is_map(hint: Any) -> bool:
    """Whether values of this type are maps of names to values."""
    origin = get_origin(hint)
    return origin is not None and origin is not tuple and isinstance(origin, type) and issubclass(origin, Mapping)


def kind_of(hint: Any) -> str:
    """A type in the words of people who do not program."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return f"{kind_of(not_none(hint))}, or null"
    if origin is tuple:
        return f"list of {_plural(get_args(hint)[0])}"
    if is_map(hint):
        return f"map of names to {_plural(get_args(hint)[1])}"
    if dataclasses.is_dataclass(hint):
        return f"record of {_names(hint)}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " | ".join(str(word.value) for word in hint)
    return {Points: "points", bool: "true | false", int: "whole number"}.get(hint, "text")


def not_none(hint: Any) -> Any:
    """The type of an optional value."""
    return next(argument for argument in get_args(hint) if argument is not type(None))


def written(value: object, hint: Any) -> Any:
    """A value of a section as people write it and as it is stored: plain JSON data, points as decimals."""
    origin = get_origin(hint)
    if value is None or origin in (Union, types.UnionType):
        return None if value is None else written(value, not_none(hint))
    if hint is Points and isinstance(value, int):
        return value // 100 if value % 100 == 0 else value / 100
    if origin is tuple and isinstance(value, tuple):
        return [written(entry, get_args(hint)[0]) for entry in value]
    if isinstance(value, Mapping):
        return {name: written(entry, get_args(hint)[1]) for name, entry in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        return {name: written(getattr(value, name), hints[name]) for name in _fields(type(value))}
    return value.value if isinstance(value, Enum) else value


def _setting(section: str, kind: type, field: dataclasses.Field[Any]) -> Setting:
    hint = get_type_hints(kind)[field.name]
    factory = field.default_factory
    default = field.default if factory is dataclasses.MISSING else factory()
    told = field.metadata
    return Setting(
        section,
        field.name,
        hint,
        written(default, hint),
        told["doc"],
        told["scopes"],
        told["minimum"],
        told["maximum"],
    )


def _fields(kind: type) -> Mapping[str, dataclasses.Field[Any]]:
    return attributes(kind)


def _names(record: Any) -> str:
    return ", ".join(_fields(record))


def _plural(hint: Any) -> str:
    words = {str: "texts", int: "whole numbers", Points: "points", bool: "true | false"}
    return words.get(hint) or (f"records ({_names(hint)})" if dataclasses.is_dataclass(hint) else "values")


def _first_sentence(doc: str) -> str:
    return doc.strip().partition("\n")[0].rstrip(".")


def _meant(given: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(given, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}"
