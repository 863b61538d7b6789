"""Many cases in one process: any case gets its answer, in order, and nothing but JSON is said."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.catalog import CHECKS
from postern.dns import DnsAnswer, Question
from postern.given_effects import GivenStores
from postern.model import Disposition
from postern_cli.scan.batch import answer_line
from postern_cli.scan.judging import UnaskedResolver
from postern_cli.scan.report import Troubles
from tests.unit.cli.conftest import CommandLine

MESSAGE = (
    b"From: Bob <bob@example.com>\r\nTo: ann@receiver.example\r\nSubject: Tea\r\nX-Spam-Flag: NO\r\n"
    b"Date: Mon, 5 Jan 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nAt four?\r\n"
)
ZONE = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"], "A": ["192.0.2.1"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none; sp=reject"]},
    "mx.example.com": {"A": ["192.0.2.1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
}
SESSION = {
    "client_ip": "192.0.2.1",
    "helo": "mx.example.com",
    "mail_from": "bob@example.com",
    "rcpt_to": ["ann@receiver.example"],
    "zone": ZONE,
    "now": "2026-01-05T12:00:00Z",
}

WITHOUT_LEARNING = {"bayes": {"mode": "off"}}
"""So that the exact score does not depend on the model that is shipped."""


def case(content: bytes = MESSAGE, /, **others: Any) -> dict[str, Any]:
    return {"id": 1, "message_base64": base64.b64encode(content).decode(), **SESSION, **others}


def answer(data: Mapping[str, Any] | str) -> dict[str, Any]:
    line = data if isinstance(data, str) else json.dumps(data)
    told = answer_line(line, UnaskedResolver(), GivenStores(), Troubles())
    decoded: dict[str, Any] = json.loads(json.dumps(told, allow_nan=False).encode("ascii"))
    return decoded


def test_the_answer_has_everything_that_is_promised() -> None:
    told = answer(case(policy=WITHOUT_LEARNING))
    assert (told["id"], told["disposition"], told["dispositions"]) == (1, "accept", {"ann@receiver.example": "accept"})
    assert told["reply"].startswith("250 2.0.0 ")
    assert set(told["results"]) == set(CHECKS)
    assert told["removed_headers"] == [["X-Spam-Flag", "NO"]]
    assert ["X-Spam-Score", "0.0"] in told["headers"]
    assert told["authentication_results"].startswith("postern.localhost; ")
    assert told["defects"] == []
    assert "error" not in told


def test_the_named_facts_of_the_checks_are_there() -> None:
    results = answer(case())["results"]
    assert {"mailfrom", "helo"} <= set(results["spf"]["properties"])
    dmarc = results["dmarc"]["properties"]
    assert (dmarc["header.from"], dmarc["policy"]) == ("example.com", "none")
    assert results["dkim"]["properties"]["signatures"] == []


def test_a_message_from_a_file_has_no_session_and_that_is_no_trouble() -> None:
    told = answer({"message_base64": base64.b64encode(MESSAGE).decode(), **dict.fromkeys(SESSION)})
    assert {told["results"][check]["result"] for check in ("iprev", "spf", "dnsbl")} == {"none"}
    assert (told["id"], told["dispositions"]) == (None, {})


def test_the_null_reverse_path_is_not_a_missing_one() -> None:
    told = answer(case(mail_from=""))
    assert told["results"]["spf"]["properties"]["mailfrom"]["identity"] == "postmaster@mx.example.com"


def test_policy_counts_for_its_case_only() -> None:
    strict = {"spam_filter": {"spam_at": 0.5, "refuse_at": 1}, "spf": {"scores": {"SPF_PASS": 2}}}
    assert answer(case(policy=strict))["disposition"] == "reject"
    assert answer(case())["disposition"] == "accept"


def test_sender_lists_come_with_the_case() -> None:
    blocked = [{"scope": "mailbox:ann@receiver.example", "entry": "block#*@Example.com"}]
    told = answer(case(sender_lists=blocked, policy=WITHOUT_LEARNING))
    assert (told["disposition"], told["score"]) == ("reject", 100.0)


def test_recipients_of_one_message_can_fare_differently() -> None:
    entries = [{"scope": "domain:strict.example", "entry": "block#*@example.com"}]
    told = answer(case(rcpt_to=["Ann+tag@receiver.example", "eve@strict.example"], sender_lists=entries))
    assert told["dispositions"] == {"Ann+tag@receiver.example": "accept", "eve@strict.example": "quarantine"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"message_base64": None}, "message"),
        ({"message_base64": "%"}, "message_base64"),
        ({"message": "nowhere.eml", "message_base64": None}, "cannot read"),
        ({"message": "mail\0.eml", "message_base64": None}, "cannot read"),
        ({"client_ip": "300.1.1.1"}, "client_ip"),
        ({"rcpt_to": "ann@example.com"}, "rcpt_to"),
        ({"mail_from": 5}, "mail_from"),
        ({"zone": "nowhere.json"}, "zone"),
        ({"zone": {"example.com": ["TXT"]}}, "zone"),
        ({"zone": {"example.com": {"TXT": "MAYBE"}}}, "zone"),
        ({"policy": {"spf": {"mode": "sometimes"}}}, "sometimes"),
        ({"policy": {"nothing": {}}}, "no section"),
        ({"policy": ["spf"]}, "policy"),
        ({"now": "tomorrow"}, "RFC 3339"),
        ({"now": "9999-12-31T23:59:59Z"}, "years"),
        ({"sender_lists": [{"entry": "eat#a@b.example"}]}, "sender_lists"),
        ({"sender_lists": [{"scope": "nobody", "entry": "block#a@b.example"}]}, "is no scope"),
        ({"from": "bob"}, "unknown key"),
    ],
)
def test_a_malformed_case_says_what_is_wrong_with_it(changes: dict[str, Any], told: str) -> None:
    found = answer(case(**changes))
    assert set(found) == {"id", "error"}
    assert told in found["error"]


@pytest.mark.parametrize("line", ["", "[]", "5", '{"id": 1', "NaN", '{"id": NaN}', "[" * 100_000, "\udcff"])
def test_a_line_that_is_no_case_is_answered_too(line: str) -> None:
    assert set(answer(line)) == {"id", "error"}


def surroundings() -> st.SearchStrategy[dict[str, Any]]:
    """What a hostile client says, down to lone surrogates, which JSON can write."""
    said = st.text(st.characters(codec=None), max_size=40)
    return st.fixed_dictionaries(
        {},
        optional={
            "helo": said,
            "mail_from": said | said.map(lambda text: f"{text}@example.com"),
            "rcpt_to": st.lists(said, max_size=3),
            "zone": st.dictionaries(said, st.just({"*": "TIMEOUT"}), max_size=2),
        },
    )


@given(message=st.binary(max_size=400), said=surroundings())
@settings(max_examples=150, deadline=None)
def test_hostile_input_gets_a_verdict(message: bytes, said: dict[str, Any]) -> None:
    told = answer(case(message, **said))
    assert told.get("error") is None
    assert told["disposition"] in set(Disposition)


HEADERS = (b"From: ", b"DKIM-Signature: ", b"Authentication-Results: ", b"Content-Type: ", b"Received: ", b"ARC-Seal: ")


@given(fields=st.lists(st.tuples(st.sampled_from(HEADERS), st.binary(max_size=120)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_hostile_header_fields_get_a_verdict(fields: list[tuple[bytes, bytes]]) -> None:
    told = answer(case(b"".join(name + value + b"\r\n" for name, value in fields) + b"\r\nbody"))
    assert told.get("error") is None


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A file of cases, good and bad, whose zone and message lie in files."""
    (tmp_path / "zone.json").write_text(json.dumps(ZONE))
    (tmp_path / "mail.eml").write_bytes(MESSAGE)
    of_files = case(zone=str(tmp_path / "zone.json"), message=str(tmp_path / "mail.eml"), message_base64=None)
    lines: Iterator[str] = (json.dumps({**of_files, "id": number}) for number in range(20))
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\n\n".join(lines).encode() + b'\nbroken\n{"id": "last"}\n\xff\n')
    return path


def test_answers_come_in_order_and_nothing_else_is_said(postern: CommandLine, cases: Path) -> None:
    lines = [json.loads(line) for line in postern("scan", "--batch", str(cases), "--json").stdout.splitlines()]
    assert [line["id"] for line in lines] == [*range(20), None, "last", None]
    assert ["error" in line for line in lines] == [*[False] * 20, True, True, True]


def test_the_same_trouble_of_many_cases_is_told_once_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    class Torn:
        def query(self, name: str, rdtype: str) -> DnsAnswer:
            raise RuntimeError("the cable is torn")

        def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
            raise RuntimeError("the cable is torn")

    troubles, line = Troubles(), json.dumps({**case(), "zone": None})
    for _ in range(30):
        answer_line(line, Torn(), GivenStores(), troubles)
    told = capsys.readouterr().err
    assert told.count("spf could not be done: RuntimeError: the cable is torn") == 1
    troubles.print_repeated()
    assert "spf could not be done: RuntimeError: the cable is torn (30 times in all)" in capsys.readouterr().err


def test_cases_can_come_by_standard_input(postern: CommandLine) -> None:
    assert json.loads(postern("scan", "--batch", "-", stdin=json.dumps(case())).stdout)["disposition"] == "accept"


def test_a_file_that_is_not_there_is_said_to_be_missing(postern: CommandLine) -> None:
    assert "nowhere.jsonl" in postern("scan", "--batch", "nowhere.jsonl", code=2).stderr
