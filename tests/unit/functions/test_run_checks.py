"""run_checks: our trouble is temperror and counted, and nothing is loaded that is not needed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from events.__main__ import TRANSACTION_ID
from postern.checks import rules
from postern.dns import DnsAnswer, DnsStatus
from postern_aws import clients, metrics
from postern_aws.runtime import FunctionFailed
from tests.embedded_aws import BUCKET, Installation
from tests.handlers import FUNCTIONS, load_handler, read_event
from tests.unit.functions.conftest import LoadHandler

MetricLines = list[dict[str, Any]]


def metric_lines(printed: str) -> MetricLines:
    return [line for line in map(json.loads, printed.splitlines()) if "_aws" in line]


def test_a_message_that_cannot_be_read_is_temperror_and_counted(
    load: LoadHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    clients.s3().delete_object(Bucket=BUCKET, Key=f"incoming/{TRANSACTION_ID}")
    answer = load("run_checks")(read_event("checks/rules"))
    assert answer["rules"]["result"]["result"] == "temperror"
    (line,) = metric_lines(capsys.readouterr().out)
    assert (line[metrics.CHECK_TEMPERROR], line["check"], line["transaction_id"]) == (1, "rules", TRANSACTION_ID)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [[], ["check"]]
    assert directive["Metrics"] == [{"Name": "CheckTemperror", "Unit": "Count"}]


def test_a_check_that_could_be_done_makes_no_metric(load: LoadHandler, capsys: pytest.CaptureFixture[str]) -> None:
    load("run_checks")(read_event("checks/spf"))
    assert metric_lines(capsys.readouterr().out) == []


def test_a_list_that_refuses_us_is_counted(
    load: LoadHandler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Refusing:
        def query_all(self, questions: Any) -> tuple[DnsAnswer, ...]:
            return tuple(DnsAnswer(DnsStatus.FOUND, ("127.255.255.254",)) for _ in questions)

    monkeypatch.setattr("postern_aws.dns.SystemResolver", lambda deadline: Refusing())
    load("run_checks")(read_event("checks/dnsbl"))
    lines = [line for line in metric_lines(capsys.readouterr().out) if "DNSBL_REFUSES_US" in line]
    assert [line["reason"].partition(" ")[0] for line in lines] == ["spamcop", "psbl"]


def test_dns_that_does_not_answer_is_temperror(load: LoadHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def query(self, name: str, rdtype: str) -> DnsAnswer:
            return DnsAnswer(DnsStatus.TIMEOUT)

        def query_all(self, questions: Any) -> tuple[DnsAnswer, ...]:
            return tuple(DnsAnswer(DnsStatus.TIMEOUT) for _ in questions)

    monkeypatch.setattr("postern_aws.dns.SystemResolver", lambda deadline: Silent())
    answer = load("run_checks")(read_event("checks/spf"))
    assert answer["spf"]["result"]["result"] == "temperror"


def test_the_message_is_read_once_for_all_checks_of_a_call(load: LoadHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    get_object = clients.s3().get_object

    def counted(**call: Any) -> Any:
        reads.append(call["Key"])
        return get_object(**call)

    monkeypatch.setattr(clients.s3(), "get_object", counted)
    load("run_checks")(read_event("run_checks"))
    assert reads.count(f"incoming/{TRANSACTION_ID}") == 1


def test_one_check_of_several_that_fails_leaves_the_others_alone(
    load: LoadHandler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], aws: Installation
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rules, "evaluate", breaks)
    event = {**read_event("run_checks"), "checks": ["rules", "spf"]}
    handler = load_handler("run_checks", aws.environment() | {"POSTERN_LOG_LEVEL": "ERROR"}, monkeypatch)
    answer = handler(event)
    assert (answer["rules"]["result"]["result"], answer["spf"]["result"]["result"]) == ("temperror", "pass")
    assert "ZeroDivisionError" not in json.dumps(answer)


@pytest.mark.parametrize("event", [{}, {"checks": ["nope"], "stages": {}}, {"checks": ["spf"], "stages": {}}, []])
def test_a_request_that_is_none_fails_without_telling_what_was_in_it(event: Any, load: LoadHandler) -> None:
    with pytest.raises(FunctionFailed, match=r"^run_checks: [A-Za-z]+$"):
        load("run_checks")(event)


def test_the_list_of_checks_is_loaded_at_cold_start(aws: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = load_handler("run_checks", aws.environment() | {"POSTERN_CHECKS": "spf,sender_lists"}, monkeypatch)
    assert handler(read_event("checks/sender_lists"))["sender_lists"]["result"]["result"] == "none"


def test_a_handler_without_effects_imports_neither_boto3_nor_the_dns_library() -> None:
    program = (
        "import sys, runpy\n"
        f"runpy.run_path({str(FUNCTIONS / 'run_checks' / 'handler.py')!r})\n"
        f"runpy.run_path({str(FUNCTIONS / 'decide' / 'handler.py')!r})\n"
        "print([name for name in ('boto3', 'botocore.session', 'dns', 'aws_xray_sdk') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert ran.stdout.strip() == "[]"
