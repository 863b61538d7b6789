"""One process, many functions: an environment of its own for each invocation.

Lambda gives every function its own variables. Here they share a process, so `os.environ` looks first at what was
laid over it for the running invocation; a context variable keeps invocations apart, in threads as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_overlay: ContextVar[Mapping[str, str]] = ContextVar("function_environment")
_NOTHING: Mapping[str, str] = {}
_Environ: Any = type(os.environ)


class _OverlaidEnviron(_Environ):  # type: ignore[misc]  # the class of os.environ is not typed as one to inherit from
    """`os.environ` with the running invocation's variables in front."""

    def __getitem__(self, name: str) -> str:
        over = _overlay.get(_NOTHING)
        return over[name] if name in over else str(super().__getitem__(name))

    def __contains__(self, name: object) -> bool:
        return name in _overlay.get(_NOTHING) or bool(super().__contains__(name))

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*super().__iter__(), *_overlay.get(_NOTHING)))


def install() -> None:
    """Let `os.environ` heed overlays from now on."""
    os.environ.__class__ = _OverlaidEnviron


@contextmanager
def overlaid(variables: Mapping[str, str]) -> Iterator[None]:
    """Lay `variables` over the environment for this context."""
    token = _overlay.set(variables)
    try:
        yield
    finally:
        _overlay.reset(token)
