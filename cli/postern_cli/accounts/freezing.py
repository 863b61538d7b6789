"""`postern accounts freeze` and `thaw`: an account that may not send or log in for now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from postern.accounts import Freeze
from postern_aws.accounts import DynamoAccounts
from postern_aws.due_rows import DueRows
from postern_aws.mail_queue import MailQueue
from postern_aws.thawing import thawing_over
from postern_cli.accounts.account_rows import existing
from postern_cli.console import AsJson, out, print_json
from postern_cli.options import with_service
from postern_cli.service import Output, Service

Address = Annotated[str, typer.Argument(help="The account, e.g. ann@example.com.")]


@with_service
def freeze(
    service: Service,
    address: Address,
    reason: Annotated[str, typer.Option(help="Why; the next person will want to know.")] = "by hand",
    as_json: AsJson = False,
) -> None:
    """Let an account neither log in nor send, and hold what it has waiting. It still receives."""
    key = str(existing(service, address)["address"])
    accounts = DynamoAccounts(service.dynamodb, service.output(Output.ACCOUNTS_TABLE))
    frozen = accounts.freeze(key, Freeze(datetime.now(UTC), reason))
    held = _queue(service).hold_account(key)
    if as_json:
        print_json({"address": key, "frozen": frozen, "held": held})
    else:
        out.print(f"{key} {'frozen' if frozen else 'was frozen already'}; {held} copies are held", markup=False)


@with_service
def thaw(service: Service, address: Address, as_json: AsJson = False) -> None:
    """Let a frozen account log in and send again; what was held goes on, what was counted is forgotten."""
    key = str(existing(service, address)["address"])
    thawing = thawing_over(
        service.dynamodb,
        accounts_table=service.output(Output.ACCOUNTS_TABLE),
        screening_table=service.output(Output.SCREENING_TABLE),
        mail=_queue(service),
    )
    done = thawing.thaw(key)
    if as_json:
        print_json({"address": key, "thawed": done.was_frozen, "released": done.released})
    else:
        what = "thawed" if done.was_frozen else "was not frozen"
        out.print(f"{key} {what}; {done.released} held copies go on", markup=False)


def _queue(service: Service) -> MailQueue:
    return MailQueue(DueRows(service.dynamodb, service.output(Output.OUTBOX_TABLE)))
