"""What every Lambda handler is wrapped in: structured logs with the transaction's id, and one way to fail.

A function that fails raises `FunctionFailed`, whose text names the kind of trouble and nothing of the message; the
cause is in the log. The state machine and the stream then do what they do for any failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from aws_lambda_powertools.logging import Logger

from postern_aws.settings import CommonSettings, read_settings

Json = Any
Handler = Callable[[Json, Any], Json]
SettingsT = TypeVar("SettingsT", bound=CommonSettings)

# The name is no prefix of the front end's loggers: Powertools keeps what is below its logger to itself.
logger = Logger(service="postern-functions", use_rfc3339=True, utc=True, log_uncaught_exceptions=False)


class FunctionFailed(Exception):  # noqa: N818 - it is what the caller sees, in its own words
    """A function could not do its work; always our trouble, and worth another try."""


def configure(kind: type[SettingsT]) -> SettingsT:
    """The settings of this function, with its log level set. Raises `SettingsError`."""
    settings = read_settings(kind)
    logger.setLevel(settings.log_level)
    return settings


def entry_point(function: str) -> Callable[[Handler], Handler]:
    """Make a Lambda handler of a function from event and context to answer.

    Lines that are logged meanwhile carry the function's name, the request's id and, when the event has one, the
    transaction's id.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def run(event: Json, context: Any) -> Json:
            request_id = getattr(context, "aws_request_id", "")
            with logged_with(function=function, request_id=request_id, **_transaction_id(event)):
                try:
                    return handler(event, context)
                except Exception as trouble:
                    logger.exception("The function failed")
                    raise FunctionFailed(f"{function}: {type(trouble).__name__}") from trouble

        return run

    return decorate


@contextmanager
def logged_with(**keys: str) -> Iterator[None]:
    """Add `keys` to every line logged by this thread within the block."""
    before = logger.thread_safe_get_current_keys()
    logger.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(**before)


def report_check_trouble(check_id: str, trouble: BaseException) -> None:
    """Log what a check raised; its result has become `temperror`."""
    logger.error("A check could not be done", check=check_id, exc_info=trouble)


def _transaction_id(event: Json) -> dict[str, str]:
    transaction = event.get("transaction") if isinstance(event, Mapping) else None
    found = transaction.get("transaction_id") if isinstance(transaction, Mapping) else None
    return {"transaction_id": str(found)} if found else {}
