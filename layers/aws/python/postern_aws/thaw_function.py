"""Thaws accounts: for whoever opens the link of a notice, and for callers of the function itself.

By HTTP (a function URL): GET shows what would happen, because programs that look for evil open every link; only POST
acts. By `lambda:InvokeFunction`, which IAM guards, `{"thaw": "ann@example.com"}` thaws at once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from postern.ports import Unavailable
from postern.session import thaw_link, thaw_page
from postern.session.thaw_link import ThawTicket
from postern.session.thaw_page import HEADERS, TOKEN, Page
from postern.session.thawing import Thawing
from postern_aws import clients
from postern_aws.due_rows import DueRows
from postern_aws.mail_queue import MailQueue
from postern_aws.runtime import logger
from postern_aws.settings import ThawSettings
from postern_aws.thaw_key import ThawKey
from postern_aws.thawing import thawing_over

MAX_BODY = 4_096

Json = Any


class BadRequestError(ValueError):
    """A caller of the function itself asks for nothing it does."""


@dataclass(frozen=True, slots=True)
class ThawFunction:
    """The function, over what it needs of the world."""

    thawing: Thawing
    key: Callable[[], bytes]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @staticmethod
    def of(settings: ThawSettings) -> ThawFunction:
        """The function of a deployment."""
        thawing = thawing_over(
            clients.dynamodb(),
            accounts_table=settings.accounts_table,
            screening_table=settings.screening_table,
            mail=MailQueue(DueRows(clients.dynamodb(), settings.outbox_table)),
        )
        return ThawFunction(thawing, ThawKey(clients.secrets(), settings.thaw_secret_arn))

    def answer(self, event: Json) -> Json:
        """The answer to a request by HTTP, or to a call. Raises `BadRequestError` and `Unavailable` for calls."""
        http = _http_of(event)
        if http is None:
            return self._called(event)
        try:
            page = self._page(str(http.get("method", "")).upper(), event)
        except Unavailable as trouble:
            logger.error("An account cannot be thawed by its link", reason=str(trouble))
            page = thaw_page.trouble()
        return {"statusCode": page.status, "headers": HEADERS, "body": page.html}

    # --- by HTTP --------------------------------------------------------------------------------------------

    def _page(self, method: str, event: Mapping[str, Any]) -> Page:
        if method in ("GET", "HEAD"):
            return self._shown(_token(str(event.get("rawQueryString", ""))))
        if method == "POST":
            return self._acted(_token(_body(event)))
        return thaw_page.not_allowed()

    def _shown(self, token: str) -> Page:
        ticket = self._ticket(token)
        account = self.thawing.accounts.account(ticket.account) if ticket else None
        if ticket is None or account is None or account.frozen is None or not ticket.is_for(account.frozen):
            return thaw_page.gone()
        return thaw_page.ask(ticket.account, account.frozen, token, self.now())

    def _acted(self, token: str) -> Page:
        ticket = self._ticket(token)
        account = self.thawing.accounts.account(ticket.account) if ticket else None
        if ticket is None or account is None or not ticket.is_for(account.frozen):
            return thaw_page.gone()
        thawed = self.thawing.thaw(ticket.account)
        logger.warning("An account was thawed by its link", account=ticket.account, released=thawed.released)
        return thaw_page.done(ticket.account, thawed)

    def _ticket(self, token: str) -> ThawTicket | None:
        return thaw_link.read(token, self.key(), self.now())

    # --- by a call ------------------------------------------------------------------------------------------

    def _called(self, event: Json) -> Json:
        address = event.get("thaw") if isinstance(event, Mapping) else None
        if not isinstance(address, str) or self.thawing.accounts.account(address) is None:
            raise BadRequestError('expected {"thaw": address} with the address of an account')
        thawed = self.thawing.thaw(address)
        logger.warning("An account was thawed by a call", account=address, released=thawed.released)
        return {"account": address, "was_frozen": thawed.was_frozen, "released": thawed.released}


def _http_of(event: Json) -> Mapping[str, Any] | None:
    """The request by HTTP that an event is: a function URL always says so, and a caller of the URL cannot unsay it."""
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    http = context.get("http") if isinstance(context, Mapping) else None
    return http if isinstance(http, Mapping) else None


def _token(form: str) -> str:
    """The token of a query or a form; empty when there is not exactly one."""
    try:
        found = parse_qs(form[:MAX_BODY], max_num_fields=10).get(TOKEN, [])
    except ValueError:
        return ""
    return found[0] if len(found) == 1 else ""


def _body(event: Mapping[str, Any]) -> str:
    body = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body[: 2 * MAX_BODY]).decode("ascii", "replace")
    except binascii.Error:
        return ""
