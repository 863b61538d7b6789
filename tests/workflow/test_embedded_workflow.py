"""The real state machine in the embedded AWS: both packings agree, failures stay in their branch, limits hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from postern import catalog
from postern.model import Disposition, ResultWord
from postern.workflow import Packing
from postern_aws.items import to_item
from postern_local.demonstration import rows
from postern_local.samples import read_samples
from postern_local.synthesis import ROOT
from tests.infra.template import synthesized
from tests.workflow.embedded import Embedded, embedded, sabotaged

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

SAMPLES = {sample.name: sample for sample in read_samples(ROOT)}
FILTERED = [name for name in SAMPLES if name not in ("unknown-recipient", "relaying")]
EXPECTED = {
    "clean": Disposition.ACCEPT,
    "newsletter": Disposition.ACCEPT,
    "list-copy": Disposition.ACCEPT,
    "junk": Disposition.JUNK,
    "gtube": Disposition.REJECT,
    "dmarc-reject": Disposition.QUARANTINE,
    "own-domain-forged": Disposition.REJECT,
    "blocked-sender": Disposition.REJECT,
    "refused-sender": Disposition.REJECT,
    "listed-client": Disposition.REJECT,
    "relayed": Disposition.ACCEPT,
}

RAISES = "def handler(event, context):\n    raise RuntimeError('sabotage')\n"
SLOW = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
HUGE = "def handler(event, context):\n    return {event['checks'][0]: {'result': 'x' * 300_000, 'final': False}}\n"
GARBLED = "def handler(event, context):\n    return {event['checks'][0]: '\\ud800'}\n"
SABOTAGE = {"Checksspf": RAISES, "Checksiprev": HUGE, "Checksdnsbl": GARBLED}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Packing, Embedded]]:
    """One embedded AWS per packing, both with the demonstration's rows."""
    folder = tmp_path_factory.mktemp("embedded")
    with (
        embedded(synthesized(Packing.CHECK).assembly, folder / "check") as by_check,
        embedded(synthesized(Packing.STAGE).assembly, folder / "stage") as by_stage,
    ):
        for one in (by_check, by_stage):
            seed(one)
        yield {Packing.CHECK: by_check, Packing.STAGE: by_stage}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An embedded AWS three of whose checks are sabotaged, each in its own way."""
    folder = tmp_path_factory.mktemp("broken")
    assembly = sabotaged(synthesized(Packing.CHECK).assembly, folder / "assembly", SABOTAGE)
    with embedded(assembly, folder / "state") as one:
        seed(one)
        yield one


def seed(one: Embedded) -> None:
    client = one.client("dynamodb")
    for output, its_rows in rows(relay_port=9, remote_port=9).items():
        for row in its_rows:
            client.put_item(TableName=one.outputs[output], Item=to_item(row))
    compiled = one.client("lambda").invoke(FunctionName=one.outputs["CompilePolicyFunction"], Payload=b"{}")
    assert "FunctionError" not in compiled
    assert json.loads(compiled["Payload"].read())["problems"] == []


def essence(value: Any) -> Any:
    """A result without what differs from run to run, and without facts that are none.

    The state machine skips a check by itself, and writes no empty facts.
    """
    if isinstance(value, dict):
        told = {name: essence(item) for name, item in value.items() if name != "milliseconds"}
        return {name: item for name, item in told.items() if (name, item) != ("properties", {})}
    return [essence(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", FILTERED)
def test_both_packings_give_the_same_answer(running: dict[Packing, Embedded], name: str) -> None:
    answers = [running[packing].judge(SAMPLES[name]) for packing in Packing]
    assert [one.disposition for one in answers[0].decision.recipients] == [
        one.disposition for one in answers[1].decision.recipients
    ]
    assert answers[0].decision.reply == answers[1].decision.reply
    assert [one.score for one in answers[0].decision.recipients] == [
        one.score for one in answers[1].decision.recipients
    ]
    assert essence(dict(answers[0].results)) == essence(dict(answers[1].results))


@pytest.mark.parametrize(("name", "disposition"), EXPECTED.items())
def test_what_becomes_of_the_samples(running: dict[Packing, Embedded], name: str, disposition: Disposition) -> None:
    decision = running[Packing.CHECK].judge(SAMPLES[name]).decision
    assert decision.recipients[0].disposition is disposition


def test_recipients_of_one_message_may_get_different_things(running: dict[Packing, Embedded]) -> None:
    decision = running[Packing.CHECK].judge(SAMPLES["two-minds"]).decision
    assert [one.disposition for one in decision.recipients] == [Disposition.ACCEPT, Disposition.QUARANTINE]
    assert decision.reply.code == 250


@pytest.mark.parametrize("packing", list(Packing))
def test_a_final_refusal_ends_the_filter_before_the_content_is_looked_at(
    running: dict[Packing, Embedded], packing: Packing
) -> None:
    answer = running[packing].judge(SAMPLES["refused-sender"])
    assert set(answer.results) == {spec.check_id for spec in catalog.stages()[0]}
    assert answer.decision.reply.code == 550


def test_a_check_that_policy_switched_off_is_skipped(running: dict[Packing, Embedded]) -> None:
    answer = running[Packing.CHECK].judge(SAMPLES["gtube"], {"spf": {"mode": "off"}})
    assert answer.results["spf"]["result"] == ResultWord.SKIPPED


@pytest.mark.parametrize(
    ("check_id", "reason"),
    [("spf", "RuntimeError"), ("iprev", "States.DataLimitExceeded"), ("dnsbl", "Runtime.MarshalError")],
)
def test_a_check_that_fails_is_temperror_in_its_own_branch(broken: Embedded, check_id: str, reason: str) -> None:
    answer = broken.judge(SAMPLES["gtube"])
    assert answer.results[check_id]["result"] == ResultWord.TEMPERROR
    assert answer.results[check_id]["reason"] == reason
    assert answer.results["rules"]["result"] == ResultWord.FAIL
    assert answer.decision.recipients[0].disposition is Disposition.REJECT


def test_mail_goes_on_without_a_check_that_is_not_required(broken: Embedded) -> None:
    assert broken.judge(SAMPLES["clean"]).decision.reply.code == 250


def test_mail_waits_for_a_check_that_is_required(broken: Embedded) -> None:
    reply = broken.judge(SAMPLES["clean"], {"spf": {"required": True}}).decision.reply
    assert (reply.code, reply.enhanced) == (451, "4.3.0")


def test_a_check_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    assembly = sabotaged(synthesized(Packing.CHECK).assembly, tmp_path / "assembly", {"Checksspf": SLOW})
    with embedded(assembly, tmp_path / "state") as one:
        seed(one)
        name = next(
            function["FunctionName"]
            for function in one.client("lambda").list_functions()["Functions"]
            if "Checksspf" in function["FunctionName"]
        )
        one.client("lambda").update_function_configuration(FunctionName=name, Timeout=1)
        answer = one.judge(SAMPLES["clean"])
    assert answer.results["spf"]["result"] == ResultWord.TEMPERROR
    assert answer.results["spf"]["reason"] == "Sandbox.Timedout"
    assert answer.decision.reply.code == 250


def test_an_input_larger_than_a_state_machine_takes_is_refused(running: dict[Packing, Embedded]) -> None:
    with pytest.raises(ClientError) as refused:
        running[Packing.CHECK].execute(json.dumps({"much": "x" * 262_144}))
    assert refused.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_a_failed_execution_is_answered_with_its_status(running: dict[Packing, Embedded]) -> None:
    execution = running[Packing.CHECK].execute("{}")
    assert execution["status"] == "FAILED"
    assert execution["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_item_larger_than_dynamodb_takes_is_refused(running: dict[Packing, Embedded]) -> None:
    one = running[Packing.CHECK]
    row = to_item({"mailbox": "ann@example.com/Inbox", "item": "uid#1", "summary": b"x" * (400 * 1024)})
    with pytest.raises(ClientError) as refused:
        one.client("dynamodb").put_item(TableName=one.outputs["MailboxesTable"], Item=row)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
