"""What the Lambdas that run checks do: one check, several at once, or all of a stage.

Nothing is loaded that the asked checks do not need: no boto3 without the message or the lists, no DNS library
without questions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from postern import catalog
from postern.contract import Needs
from postern.exchange import CheckRequest, check_response, read_check_request
from postern.model import CheckResult, ResultWord
from postern.ports import Resolver
from postern.runner import Effects, run_check
from postern_aws import metrics
from postern_aws.check_stores import STORES, CheckStores
from postern_aws.runtime import report_check_trouble
from postern_aws.settings import RunChecksSettings

if TYPE_CHECKING:
    from postern.message import Message

Json = Any

CHECKS_AT_ONCE = 8


class CheckFunction:
    """Runs checks on request; made once per process."""

    def __init__(self, settings: RunChecksSettings) -> None:
        self.stores = CheckStores(settings)
        for check_id in settings.checks:
            for need in catalog.check(check_id).SPEC.needs:
                self.stores.prepare(need)

    def run(self, payload: Json) -> Json:
        """The response to a check request. Raises `WireError`."""
        request = read_check_request(payload)
        results = self._run_all(request, _Work(request, self.stores).effects())
        for result in results:
            _count_troubles(result, request.transaction.transaction_id)
        return check_response(results, request.transaction, request.policy)

    @staticmethod
    def _run_all(request: CheckRequest, effects: Effects) -> list[CheckResult[Any]]:
        def run(check_id: str) -> CheckResult[Any]:
            check = catalog.check(check_id)
            return run_check(check, request.transaction, request.policy, request.results, effects)

        if len(request.checks) == 1:
            return [run(request.checks[0])]
        with ThreadPoolExecutor(min(CHECKS_AT_ONCE, len(request.checks)), "check") as pool:
            asked = [pool.submit(copy_context().run, run, check_id) for check_id in request.checks]
            return [one.result() for one in asked]


class _Work:
    """One request: its effects, the message loaded and parsed at most once, and only when a check asks for it."""

    def __init__(self, request: CheckRequest, stores: CheckStores) -> None:
        self._request = request
        self._stores = stores
        self._loading = Lock()
        self._load: Callable[[], Message] = cache(self._read_message)

    def effects(self) -> Effects:
        """The makers of every effect a check may declare."""
        makers: dict[Needs, Callable[[], Any]] = {
            Needs.RESOLVER: self._resolver,
            Needs.MESSAGE: self._message,
            Needs.STANDING: self._standing,
            **{need: partial(self._stores.get, need) for need in STORES},
        }
        return Effects(makers, time.monotonic, report_check_trouble)

    def _resolver(self) -> Resolver:
        from postern_aws.dns import SystemResolver  # noqa: PLC0415 - a check without DNS does not load its library

        return SystemResolver(deadline=self._request.transaction.deadline)

    def _message(self) -> Message:
        with self._loading:
            return self._load()

    def _read_message(self) -> Message:
        from postern.message import parse_message  # noqa: PLC0415 - only for checks that read the message

        return parse_message(self._stores.messages.read(self._request.transaction.message))

    def _standing(self) -> Any:
        from postern.disposition import standing  # noqa: PLC0415 - only for late checks

        return standing(self._request.transaction, self._request.results, self._request.policy)


def _count_troubles(result: CheckResult[Any], transaction_id: str) -> None:
    """Count what the postmaster should know: a check that could not be done, symbols that are our own trouble."""
    if result.result is ResultWord.TEMPERROR:
        metrics.emit(
            {metrics.CHECK_TEMPERROR: 1},
            dimensions={metrics.CHECK: result.check_id},
            transaction_id=transaction_id,
            reason=result.reason,
        )
    troubles = {symbol.name for symbol in catalog.check(result.check_id).SPEC.symbols if symbol.is_trouble}
    for finding in result.findings:
        if finding.symbol in troubles:
            metrics.emit({finding.symbol: 1}, transaction_id=transaction_id, reason=finding.detail)
