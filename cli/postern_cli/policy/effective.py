"""What counts for whom, and which row says so: the settings in force at one scope, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postern.policy import Scope, merge
from postern.policy_book import GLOBAL_SCOPE, read_scope
from postern_cli.policy.settings import Setting, every_setting

DEFAULT = "default"
Stored = Mapping[str, Mapping[str, Mapping[str, object]]]
"""Sections by scope, as stored."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting, the value that counts, and the scope (or `default`) that it comes from."""

    setting: Setting
    value: object
    origin: str

    @property
    def is_default(self) -> bool:
        """Whether nobody set it."""
        return self.origin == DEFAULT


def scopes_above(scope: str) -> tuple[str, ...]:
    """The scopes whose rows count at `scope`, widest first. Raises `PolicyError` for what is no scope."""
    kind = read_scope(scope)
    if kind is Scope.GLOBAL:
        return (GLOBAL_SCOPE,)
    if kind is Scope.DOMAIN:
        return (GLOBAL_SCOPE, scope)
    return (GLOBAL_SCOPE, f"domain:{scope.rpartition('@')[2]}", scope)


def in_force(stored: Stored, scope: str) -> tuple[InForce, ...]:
    """Every setting as it counts at `scope`. Raises `PolicyError` for what is no scope."""
    scopes = scopes_above(scope)
    return tuple(_in_force(setting, stored, scopes) for setting in every_setting())


def _in_force(setting: Setting, stored: Stored, scopes: Iterable[str]) -> InForce:
    layers = [(scope, stored.get(scope, {}).get(setting.section, {})) for scope in scopes]
    saying = [(scope, section) for scope, section in layers if setting.name in section]
    if not saying:
        return InForce(setting, setting.default, DEFAULT)
    merged = merge(*({setting.name: section[setting.name]} for _, section in saying))
    value = merged[setting.name]
    origins = [scope for scope, _ in saying] if isinstance(value, Mapping) else [saying[-1][0]]
    return InForce(setting, value, ", ".join(origins))
