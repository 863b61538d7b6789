"""The function behind the link: it shows on GET, acts on POST, once, and tells strangers nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from postern.accounts import Freeze
from postern.ports import Unavailable
from postern.session.thaw_link import ThawTicket, sign
from postern.session.thawing import Thawing
from postern.session.usage import Attempt
from postern_aws import clients
from postern_aws.accounts import DynamoAccounts
from postern_aws.items import to_item
from postern_aws.sending import DynamoSending
from postern_aws.thaw_function import BadRequestError, ThawFunction
from tests.embedded_aws import Installation

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
KEY = b"a key of its own"
ANN = "ann@example.com"
FREEZE = Freeze(NOW - timedelta(minutes=5), "201 messages to 201 recipients within 60 minutes")
TICKET = ThawTicket(ANN, FREEZE.since, NOW + timedelta(hours=72))
TOKEN = sign(TICKET, KEY)
HOUR = timedelta(hours=1)


class Held:
    """Mail that is held: so many copies. Implements `HeldMail`."""

    def __init__(self) -> None:
        self.copies = 3

    def hold_account(self, account: str) -> int:
        raise AssertionError(account)

    def release_account(self, account: str) -> int:
        assert account == ANN
        released, self.copies = self.copies, 0
        return released


@pytest.fixture
def accounts(aws: Installation) -> DynamoAccounts:
    del aws
    clients.dynamodb().put_item(TableName="Accounts", Item=to_item({"address": ANN}))
    store = DynamoAccounts(clients.dynamodb(), "Accounts")
    store.freeze(ANN, FREEZE)
    return store


@pytest.fixture
def sending(aws: Installation) -> DynamoSending:
    del aws
    store = DynamoSending(clients.dynamodb(), "Screening")
    for number in range(5):
        store.add(Attempt(account=ANN, transaction_id=f"t{number}", recipients=1), NOW, HOUR)
    return store


@pytest.fixture
def thaw(accounts: DynamoAccounts, sending: DynamoSending) -> ThawFunction:
    return ThawFunction(Thawing(accounts, sending, Held()), lambda: KEY, lambda: NOW)


def get(token: str, method: str = "GET") -> dict[str, Any]:
    return {"rawQueryString": f"t={quote(token)}", "requestContext": {"http": {"method": method}}}


def post(token: str, *, encoded: bool = True) -> dict[str, Any]:
    form = f"t={quote(token)}"
    body = base64.b64encode(form.encode()).decode() if encoded else form
    return {"body": body, "isBase64Encoded": encoded, "requestContext": {"http": {"method": "POST"}}}


def is_frozen(accounts: DynamoAccounts) -> bool:
    account = accounts.account(ANN)
    assert account is not None
    return account.frozen is not None


def test_get_says_what_will_happen_and_does_nothing(thaw: ThawFunction, accounts: DynamoAccounts) -> None:
    for method in ("GET", "HEAD", "GET"):
        answer = thaw.answer(get(TOKEN, method))
        assert answer["statusCode"] == 200
        assert ANN in answer["body"]
        assert "201 messages to 201 recipients" in answer["body"]
        assert "<button>Let it send again</button>" in answer["body"]
    assert is_frozen(accounts)


@pytest.mark.parametrize("encoded", [True, False])
def test_post_thaws_once(thaw: ThawFunction, accounts: DynamoAccounts, sending: DynamoSending, encoded: bool) -> None:
    answer = thaw.answer(post(TOKEN, encoded=encoded))
    assert answer["statusCode"] == 200
    assert "3 held copies go out" in answer["body"]
    assert not is_frozen(accounts)
    assert sending.add(Attempt(account=ANN, transaction_id="t", recipients=1), NOW, HOUR).messages == 1
    again = thaw.answer(post(TOKEN, encoded=encoded))
    assert again["statusCode"] == 404
    assert again == thaw.answer(get(TOKEN))


def test_a_link_is_good_for_no_later_freeze(thaw: ThawFunction, accounts: DynamoAccounts) -> None:
    thaw.answer(post(TOKEN))
    accounts.freeze(ANN, Freeze(NOW, "again"))
    assert thaw.answer(post(TOKEN))["statusCode"] == 404
    assert is_frozen(accounts)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        TOKEN[:-4],
        sign(TICKET, b"another key"),
        sign(ThawTicket("nobody@example.com", FREEZE.since, TICKET.good_until), KEY),
        sign(ThawTicket(ANN, NOW, TICKET.good_until), KEY),
        sign(ThawTicket(ANN, FREEZE.since, NOW), KEY),
    ],
    ids=["none", "nonsense", "cut", "other key", "no account", "other freeze", "too old"],
)
def test_every_wrong_link_gets_the_same_answer_and_nothing_else(
    thaw: ThawFunction, accounts: DynamoAccounts, token: str
) -> None:
    expected = thaw.answer(get("what nobody signed"))
    assert expected["statusCode"] == 404
    assert "example.com" not in expected["body"]
    assert thaw.answer(get(token)) == expected
    assert thaw.answer(post(token)) == expected
    assert is_frozen(accounts)


def test_a_token_in_the_address_alone_is_not_acted_on(thaw: ThawFunction, accounts: DynamoAccounts) -> None:
    """A program that posts to a link it found, without the form, does nothing."""
    assert thaw.answer(get(TOKEN, "POST"))["statusCode"] == 404
    assert is_frozen(accounts)


@pytest.mark.parametrize(
    "request_",
    [
        {"requestContext": {"http": {"method": "POST"}}},
        {"requestContext": {"http": {"method": "POST"}}, "body": "%%%", "isBase64Encoded": True},
        {"requestContext": {"http": {"method": "POST"}}, "body": "t=1&t=2"},
        {"requestContext": {"http": {"method": "POST"}}, "body": "&".join(f"a{n}=1" for n in range(50))},
        {"requestContext": {"http": {"method": "GET"}}},
        {"requestContext": {"http": {}}},
    ],
)
def test_malformed_requests_are_answered(thaw: ThawFunction, request_: Mapping[str, Any]) -> None:
    assert thaw.answer(request_)["statusCode"] in (404, 405)


def test_other_methods_are_not_taken(thaw: ThawFunction) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert thaw.answer(get(TOKEN, method))["statusCode"] == 405


def test_every_answer_keeps_its_address_secret_and_loads_nothing(thaw: ThawFunction) -> None:
    for event in (get(TOKEN), get(""), get("", "PUT"), post(TOKEN)):
        headers = thaw.answer(event)["headers"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_readable_aloud(thaw: ThawFunction) -> None:
    page = _Tags()
    page.feed(thaw.answer(get(TOKEN))["body"])
    assert page.open == []
    tags = [tag for tag, _ in page.seen]
    assert dict(page.seen)["html"] == {"lang": "en"}
    assert {"title", "h1", "main", "button", "dl"} <= set(tags)
    assert not {"script", "img", "link", "iframe"} & set(tags)


def test_what_a_row_says_is_escaped(thaw: ThawFunction, accounts: DynamoAccounts) -> None:
    accounts.thaw(ANN)
    accounts.freeze(ANN, Freeze(FREEZE.since, "<script>alert(1)</script>"))
    assert "<script" not in thaw.answer(get(TOKEN))["body"]


def test_trouble_is_no_reason_to_say_that_a_link_is_wrong(accounts: DynamoAccounts, sending: DynamoSending) -> None:
    def no_key() -> bytes:
        raise Unavailable("by a test")

    broken = ThawFunction(Thawing(accounts, sending, Held()), no_key, lambda: NOW)
    assert broken.answer(post(TOKEN))["statusCode"] == 503
    assert is_frozen(accounts)


def test_whoever_may_call_the_function_thaws_by_name(thaw: ThawFunction, accounts: DynamoAccounts) -> None:
    assert thaw.answer({"thaw": ANN}) == {"account": ANN, "was_frozen": True, "released": 3}
    assert not is_frozen(accounts)
    assert thaw.answer({"thaw": ANN}) == {"account": ANN, "was_frozen": False, "released": 0}
    wrong: tuple[Any, ...] = ({}, {"thaw": 5}, {"thaw": "nobody@example.com"}, [], None)
    for event in wrong:
        with pytest.raises(BadRequestError):
            thaw.answer(event)


def test_the_url_is_no_way_to_call_the_function(thaw: ThawFunction, accounts: DynamoAccounts) -> None:
    """A request by HTTP cannot become a call: what it sends is text within the event."""
    event = {**get(""), "thaw": ANN, "body": '{"thaw": "ann@example.com"}'}
    assert thaw.answer(event)["statusCode"] == 404
    assert is_frozen(accounts)
