"""The handlers, fed as the state machine feeds them, decide what the filter decides in one process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from events.__main__ import MESSAGE, TRANSACTION_ID, ZONE, check_event, sample_transaction
from postern import catalog
from postern.exchange import read_answer, workflow_input
from postern.given_effects import GivenStores
from postern.message import parse_message
from postern.model import Disposition
from postern.pipeline import judge
from postern.policy_compiler import Snapshot, StoredRows, compile_snapshot
from postern.runner import Effects
from postern.wire import to_json
from postern.workflow import Packing, stage_name
from postern.zone import ZoneResolver
from postern_aws import clients
from postern_aws.message_store import S3MessageStore
from postern_aws.policy_snapshot import NOTHING_PUBLISHED, S3Snapshots
from tests.embedded_aws import BUCKET, installation
from tests.handlers import Handler, load_handler

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
RAW = MESSAGE.read_bytes()
SPAM = RAW.replace(b"four o'clock", GTUBE)
COMPILED = compile_snapshot(StoredRows(), Snapshot())


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Handler]]:
    """run_checks and decide, in an installation whose DNS is the sample zone."""
    zone = json.loads(ZONE.read_text())
    monkeypatch.setattr("postern_aws.dns.SystemResolver", lambda deadline: ZoneResolver(zone))
    with installation(monkeypatch) as made:
        S3Snapshots(clients.s3(), BUCKET).publish(COMPILED, NOTHING_PUBLISHED)
        yield {name: load_handler(name, made.environment(), monkeypatch) for name in ("run_checks", "decide")}


def state_machine(raw: bytes, packing: Packing, handlers: dict[str, Handler]) -> Any:
    """What an execution does, stage by stage, without early exit: its output."""
    transaction = sample_transaction(raw)
    S3MessageStore(clients.s3(), BUCKET).put_copy(transaction.message.key, raw)
    asked = workflow_input(transaction, COMPILED.snapshot.book.resolve(transaction.recipients))
    given = {"transaction": asked["transaction"], "policy": asked["policy"]}
    stages: dict[str, Any] = {}
    for number, stage in enumerate(catalog.stages(), 1):
        if packing is Packing.STAGE:
            checks = [spec.check_id for spec in stage]
            answers = [handlers["run_checks"]({"checks": checks, **given, "stages": stages})]
        else:
            answers = [handlers["run_checks"](check_event(spec, given, stages)) for spec in stage]
        stages[stage_name(number)] = {check_id: entry for answer in answers for check_id, entry in answer.items()}
    return {"decision": handlers["decide"]({**given, "stages": stages}), "results": stages}


def in_one_process(raw: bytes) -> Any:
    """The same by the pipeline."""
    resolver = ZoneResolver(json.loads(ZONE.read_text()))
    makers = GivenStores().makers(lambda: resolver, lambda: parse_message(raw))
    transaction = sample_transaction(raw)
    policy = COMPILED.snapshot.book.resolve(transaction.recipients)
    return judge(transaction, policy, Effects(makers, lambda: 0.0, lambda *_: None))


def without_time(result: Any) -> Any:
    return {name: value for name, value in result.items() if name != "milliseconds"}


@pytest.mark.parametrize("packing", list(Packing))
@pytest.mark.parametrize(("raw", "disposition"), [(RAW, Disposition.ACCEPT), (SPAM, Disposition.REJECT)])
def test_both_packings_decide_as_the_pipeline_does(
    packing: Packing, raw: bytes, disposition: Disposition, handlers: dict[str, Handler]
) -> None:
    answer = read_answer(state_machine(raw, packing, handlers))
    expected = in_one_process(raw)
    assert answer.decision == expected.decision
    assert answer.decision.recipients[0].disposition is disposition
    assert answer.decision.policy_version == COMPILED.snapshot.version
    found = {check_id: without_time(result) for check_id, result in answer.results.items()}
    assert found == {check_id: without_time(to_json(result)) for check_id, result in expected.results.items()}


def test_a_decision_is_one_line_of_metrics(handlers: dict[str, Handler], capsys: pytest.CaptureFixture[str]) -> None:
    state_machine(SPAM, Packing.STAGE, handlers)
    (line,) = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "Messages" in line]
    counts = {name: line[name] for name in ("Messages", "Accepted", "Deferred", "Refused", "Flagged")}
    assert counts == {"Messages": 1, "Accepted": 0, "Deferred": 0, "Refused": 1, "Flagged": 1}
    assert line["transaction_id"] == TRANSACTION_ID
    assert line["dispositions"] == {"reject": 1}
    assert line["score"] >= 1000
