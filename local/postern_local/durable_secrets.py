"""Secrets Manager of moto, made durable: what people put into secrets, and what the template generated, stays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends

from postern_local.account import ACCOUNT, REGION
from postern_local.journal import Journal, Statement

OPERATIONS = ("create_secret", "put_secret_value", "update_secret", "delete_secret")

_PUT = "replace into secrets values (?, ?, ?)"
_DELETE = "delete from secrets where name = ?"


class DurableSecrets:
    """Takes the place of the operations of moto's Secrets Manager that write texts; our secrets hold nothing else."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._restored = False

    def install(self) -> None:
        """Journal what is written, but for what the template puts into secrets before they are restored."""
        backend: Any = SecretsManagerBackend
        for name in OPERATIONS:
            setattr(backend, name, self._durable(getattr(backend, name)))

    def restore(self) -> int:
        """Put journalled texts back, and keep those that the template has just made; how many were put back."""
        backend: Any = secretsmanager_backends[ACCOUNT][REGION]
        known = list(self._journal.read("select * from secrets"))
        for name, description, text in known:
            if str(name) in backend.secrets:
                backend.put_secret_value(str(name), str(text), None, None, ["AWSCURRENT"])
            else:
                backend.create_secret(str(name), str(text), None, str(description), None, None, None, [], False)
        self._restored = True
        names = {str(name) for name, _, _ in known}
        self._append([_statement(one) for one in backend.secrets.values() if one.name not in names])
        return len(known)

    def _durable(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(operation)
        def run(backend: Any, *args: Any, **kwargs: Any) -> Any:
            before = {one.name for one in backend.secrets.values()}
            answer = operation(backend, *args, **kwargs)
            if self._restored:
                now = list(backend.secrets.values())
                gone = before - {one.name for one in now}
                self._append([*map(_statement, now), *(Statement(_DELETE, (name,)) for name in gone)])
            return answer

        return run

    def _append(self, statements: list[Statement]) -> None:
        """There are few secrets, and they are seldom written: all are, whenever one is."""
        self._journal.append(statements)
        self._journal.settle()


def _statement(secret: Any) -> Statement:
    if secret.is_deleted():
        return Statement(_DELETE, (secret.name,))
    text = secret.versions[secret.default_version_id].get("secret_string", "")
    return Statement(_PUT, (secret.name, secret.description or "", text))
