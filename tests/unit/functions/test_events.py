"""Every function has an event, every check has one, and every event runs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from events.__main__ import TRANSACTION_ID, outgoing_transaction, sample_transaction
from postern import catalog
from postern.bayes.requests import Label
from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import KeySet
from postern.model import Decision, ResultWord
from postern.wire import from_json
from postern_aws import clients
from postern_aws.dkim_keys import DkimSecrets
from postern_aws.items import to_item
from postern_aws.learning_journal import DynamoJournal
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import CommitState, DynamoOutbox
from tests.embedded_aws import BUCKET
from tests.handlers import EVENTS, FUNCTIONS, read_event
from tests.signing import pem_of, signing_key
from tests.unit.aws.commits import decision
from tests.unit.functions.conftest import LoadHandler

FUNCTION_NAMES = sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py"))
HANDLED = {path.stem for path in EVENTS.glob("*.json")} - {"zone"}
"""All but the DNS of the sample messages."""


def test_every_function_has_an_event_and_every_event_a_function() -> None:
    assert sorted(HANDLED) == FUNCTION_NAMES


def test_every_check_has_an_event_and_every_event_a_check() -> None:
    found = {path.stem for path in (EVENTS / "checks").glob("*.json")}
    assert found == set(catalog.CHECKS), "run: python -m events"


@pytest.mark.parametrize("check_id", catalog.CHECKS)
def test_the_event_of_each_check_runs(check_id: str, load: LoadHandler) -> None:
    answer = load("run_checks")(read_event(f"checks/{check_id}"))
    assert list(answer) == [check_id]
    assert answer[check_id]["final"] is False
    result = ResultWord(answer[check_id]["result"]["result"])
    assert result not in (ResultWord.TEMPERROR, ResultWord.SKIPPED)


def test_the_event_of_several_checks_runs(load: LoadHandler) -> None:
    event = read_event("run_checks")
    answer = load("run_checks")(event)
    assert sorted(answer) == sorted(event["checks"])
    assert answer["spf"]["result"]["result"] == "pass"


def test_the_event_of_the_decision_runs(load: LoadHandler) -> None:
    made = from_json(Decision, load("decide")(read_event("decide")))
    assert made.transaction_id == TRANSACTION_ID
    assert made.reply.code == 250
    assert any(header.name == "Authentication-Results" for header in made.headers)


def test_the_event_of_an_outgoing_message_signs_it(load: LoadHandler) -> None:
    raw = (EVENTS / "sample" / "outgoing.eml").read_bytes()
    reference = outgoing_transaction(raw).message
    S3MessageStore(clients.s3(), BUCKET).put_copy(reference.key, raw)
    now, pem = datetime.now(UTC), pem_of(signing_key()).decode("ascii")
    keys = KeySet("example.com").with_new("s1", pem, KeyType.RSA, now).switched_to("s1", now)
    DkimSecrets(clients.secrets()).write(keys)
    answer = load("sign_message")(read_event("sign_message"))
    made = from_json(Decision, answer["decision"])
    assert [header.name for header in made.headers] == ["DKIM-Signature", "Received"]
    assert answer["signing"]["signing"]["result"]["reason"] == "example.com/s1 rsa-sha256"


def test_the_event_of_a_commit_delivers_it(load: LoadHandler) -> None:
    event = read_event("deliver_message")
    fingerprint = event["Records"][0]["dynamodb"]["Keys"]["id"]["S"]
    received = sample_transaction((EVENTS / "sample" / "message.eml").read_bytes())
    outbox = DynamoOutbox(clients.dynamodb(), "Outbox")
    outbox.commit(received, decision(received), fingerprint)
    assert load("deliver_message")(event) == {"batchItemFailures": []}
    found = outbox.read(fingerprint)
    assert found is not None
    assert found.state is CommitState.DELIVERED


def test_the_event_of_a_changed_policy_compiles_it(load: LoadHandler) -> None:
    image = read_event("compile_policy")["Records"][0]["dynamodb"]["NewImage"]
    clients.dynamodb().put_item(TableName="Policy", Item=image)
    answer = load("compile_policy")(read_event("compile_policy"))
    assert answer["problems"] == []
    assert answer["batchItemFailures"] == []
    published = clients.s3().get_object(Bucket="postern-messages", Key="policy/current.json")["Body"].read()
    assert json.loads(published)["snapshot"]["scopes"] == {"global": {"spam_filter": {"spam_at": 4.5}}}


def test_the_event_of_the_schedule_sweeps(load: LoadHandler) -> None:
    assert load("sweep")(read_event("sweep")) == {"overdue": 0, "failed": 0, "relaying": 0, "stuck": 0}


def test_the_event_of_the_schedule_sends_reports(load: LoadHandler) -> None:
    nothing = {"sent": 0, "known": 0, "not_wanted": 0, "stopped": ""}
    assert load("send_dmarc_reports")(read_event("send_dmarc_reports")) == nothing


def test_the_event_of_a_call_thaws_an_account(load: LoadHandler) -> None:
    event = read_event("thaw_account")
    row = {"address": event["thaw"], "frozen_since": "2026-11-22T12:00:00+00:00"}
    clients.dynamodb().put_item(TableName="Accounts", Item=to_item(row))
    assert load("thaw_account")(event) == {"account": event["thaw"], "was_frozen": True, "released": 0}


def test_the_event_of_the_learn_queue_teaches_a_message(load: LoadHandler) -> None:
    assert load("learn")(read_event("learn")) == {"batchItemFailures": []}
    (lesson,) = DynamoJournal(clients.dynamodb(), "BayesTokens", time.time).waiting()
    assert (lesson.label, lesson.source) == (Label.HAM, "junk:ann@example.com")


def test_the_event_of_the_schedule_puts_rule_files_in_force(load: LoadHandler) -> None:
    clients.s3().put_object(Bucket="postern-messages", Key="rules/global/local.cf", Body=b"body A /a/")
    answer = load("update_rules")(read_event("update_rules"))
    assert (answer["outcome"], answer["files"], answer["problems"]) == ("no channel", ["local.cf"], [])
    assert answer["database"] in {"made", "nothing is stored"}
