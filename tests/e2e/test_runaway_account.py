"""A stolen password in the hands of a program: the account ends frozen, its mail held, and one notice tells of it; the
link in the notice undoes all of that, once."""

from __future__ import annotations

import json
import re
import smtplib
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest

from postern_local.demonstration import PASSWORD
from tests.e2e.local_service import Service, eventually, local_service

ANN = "ann@example.com"
LIMIT = 6
SECONDS = 60
NOWHERE = {
    "route": "smarthost",
    "smarthost_host": "127.0.0.1",
    "smarthost_port": 9,
    "smarthost_tls": "none",
    "private_hosts": True,
}
"""A server that takes nothing, so that mail waits."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with local_service(tmp_path_factory.mktemp("runaway")) as service:
        service.set_policy(outgoing=NOWHERE)
        (account,) = (row for row in service.rows("AccountsTable") if row["address"] == ANN)
        service.put("AccountsTable", {**account, "limit_messages": LIMIT})
        yield service


def run_away(service: Service) -> tuple[int, Any]:
    """Send as fast as it goes, until something stops us: how many were taken, and what we heard then."""
    context = ssl.create_default_context(cafile=str(service.directory / "tls" / "authority.pem"))
    context.check_hostname = False
    port = int(service.facts["submissions_port"])
    with smtplib.SMTP_SSL("127.0.0.1", port, context=context, timeout=SECONDS) as program:
        program.login(ANN, PASSWORD)
        for number in range(3 * LIMIT):
            victim = f"victim{number}@foreign.example"
            text = f"From: {ANN}\r\nTo: {victim}\r\nSubject: Offer {number}\r\n\r\nBuy now.\r\n"
            try:
                program.sendmail(ANN, [victim], text)
            except smtplib.SMTPException as stopped:
                return number, stopped.args
    return 3 * LIMIT, ()


def frozen(service: Service) -> bool:
    return any(row["address"] == ANN and "frozen_since" in row for row in service.rows("AccountsTable"))


def states(service: Service) -> list[str]:
    """How the copies for other servers stand."""
    return [str(row["state"]) for row in service.rows("OutboxTable") if str(row["part"]).startswith("victim")]


def notices(service: Service) -> list[dict[str, Any]]:
    """What was told of frozen accounts so far."""
    file = service.directory / "logs" / "notices.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [one for one in map(json.loads, lines) if "is frozen" in one["subject"]]


def opened(url: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    try:
        with urlopen(url, urlencode(form).encode() if form else None, timeout=SECONDS) as page:  # noqa: S310 - ours
            return page.status, page.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_runaway_account_is_stopped_and_let_go_by_the_link(service: Service) -> None:
    sent, heard = run_away(service)
    assert sent == LIMIT
    assert heard[0] == 552
    assert frozen(service)
    assert eventually(lambda: states(service) == ["on hold"] * LIMIT, SECONDS), states(service)

    assert eventually(lambda: len(notices(service)) == 2, SECONDS), "one for each topic"
    told = notices(service)
    link = next(found[0] for one in told if (found := re.search(r"http://\S+", one["text"])))

    with pytest.raises(smtplib.SMTPAuthenticationError, match="525"):
        run_away(service)

    assert opened(link)[0] == opened(link)[0] == 200
    assert frozen(service), "looking at it does nothing"
    token = urlsplit(link).query.removeprefix("t=")
    status, page = opened(link, {"t": token})
    assert status == 200
    assert f"{LIMIT} held copies go out" in page
    assert not frozen(service)
    assert states(service) == ["waiting"] * LIMIT
    assert opened(link, {"t": token})[0] == opened(link)[0] == 404

    sent, heard = run_away(service)
    assert sent == LIMIT, "the counters began anew"
    assert heard[0] == 552
    assert eventually(lambda: len(notices(service)) == 4, SECONDS)
    assert opened(link, {"t": token})[0] == 404, "the first link is not good for the second freeze"
    assert frozen(service)


def test_whoever_may_call_the_function_thaws_by_name(service: Service) -> None:
    assert eventually(lambda: frozen(service), SECONDS)
    name = service.facts["outputs"]["ThawFunction"]
    payload = json.dumps({"thaw": ANN})
    answer = service.client("lambda").invoke(FunctionName=name, Payload=payload)["Payload"].read()
    assert json.loads(answer)["was_frozen"] is True
    assert not frozen(service)
