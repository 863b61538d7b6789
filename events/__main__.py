"""Writes the sample events that follow from the catalogue: `python -m events`.

The sample message goes through the whole filter in this process, with the sample zone; what each function would have
been asked meanwhile is its event.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postern import catalog
from postern.contract import CheckSpec, Phase
from postern.exchange import check_response, workflow_input
from postern.given_effects import GivenStores
from postern.message import parse_message
from postern.model import (
    Direction,
    Envelope,
    MessageReference,
    Recipient,
    Route,
    Session,
    Site,
    TlsParameters,
    Transaction,
)
from postern.outgoing.resolution import policy_for
from postern.pipeline import judge
from postern.policy import Mode
from postern.policy_book import PolicyBook, ResolvedPolicy
from postern.policy_compiler import Snapshot, StoredRows, compile_snapshot
from postern.runner import Effects
from postern.verdict import conclude
from postern.wire import to_json
from postern.workflow import stage_name
from postern.zone import ZoneResolver

Json = Any

HERE = Path(__file__).parent
MESSAGE = HERE / "sample" / "message.eml"
OUTGOING = HERE / "sample" / "outgoing.eml"
ZONE = HERE / "sample" / "zone.json"
RECEIVED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NEVER_TOO_LATE = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
"""An event file is run long after it was written."""

HOSTNAME = "mx.example.com"
TRANSACTION_ID = "06b4xsample0000001"
OUTGOING_ID = "06b4xsample0000003"


def sample_transaction(raw: bytes) -> Transaction:
    """The transaction that the sample message came by."""
    return Transaction(
        TRANSACTION_ID,
        RECEIVED_AT,
        NEVER_TOO_LATE,
        Session(
            "06b4xsample0000000",
            "192.0.2.25",
            "mail.sender.example",
            45678,
            tls=TlsParameters("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        ),
        Envelope("bob@sender.example"),
        (Recipient("ann@example.com", "ann@example.com"),),
        MessageReference(f"incoming/{TRANSACTION_ID}", len(raw), hashlib.sha256(raw).hexdigest()),
        Site(HOSTNAME, HOSTNAME, ("example.com",)),
    )


def outgoing_transaction(raw: bytes) -> Transaction:
    """The transaction by which Ann's answer to the sample message is submitted."""
    return Transaction(
        OUTGOING_ID,
        RECEIVED_AT,
        NEVER_TOO_LATE,
        Session(
            "06b4xsample0000002",
            "192.0.2.80",
            "laptop.example.com",
            51234,
            tls=TlsParameters("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
            authenticated_as="ann@example.com",
        ),
        Envelope("ann@example.com"),
        (Recipient("bob@sender.example", "bob@sender.example", Route.REMOTE),),
        MessageReference(f"incoming/{OUTGOING_ID}", len(raw), hashlib.sha256(raw).hexdigest()),
        Site(HOSTNAME, HOSTNAME, ("example.com",)),
        direction=Direction.OUTBOUND,
    )


def sign_event(raw: bytes, book: PolicyBook) -> Json:
    """The request to sign a message that nothing speaks against."""
    transaction = outgoing_transaction(raw)
    policy = policy_for(book, transaction)
    asked = workflow_input(transaction, policy)
    decision = to_json(conclude(transaction, {}, policy))
    return {"transaction": asked["transaction"], "policy": asked["policy"], "decision": decision}


def stage_results(raw: bytes, transaction: Transaction, policy: ResolvedPolicy) -> dict[str, Json]:
    """What the stages of the workflow add to its state, by the stage's name."""
    resolver = ZoneResolver(json.loads(ZONE.read_text()))
    makers = GivenStores().makers(lambda: resolver, lambda: parse_message(raw))
    results = judge(transaction, policy, Effects(makers, lambda: 0.0, _stop)).results
    return {
        stage_name(number): check_response((results[spec.check_id] for spec in stage), transaction, policy)
        for number, stage in enumerate(catalog.stages(), 1)
    }


def _stop(check_id: str, trouble: BaseException) -> None:
    raise SystemExit(f"{check_id}: {trouble!r}") from trouble


def check_event(spec: CheckSpec, given: Json, stages: Json) -> Json:
    """The request for one check, as its branch of the state machine makes it (see `postern.workflow`)."""
    if spec.phase is Phase.LATE:
        return {"checks": [spec.check_id], **given, "stages": stages}
    sections = {spec.check_id: given["policy"]["sections"][spec.check_id]}
    entries = {check_id: entry for stage in stages.values() for check_id, entry in stage.items()}
    return {
        "checks": [spec.check_id],
        "transaction": given["transaction"],
        "policy": {**given["policy"], "sections": sections},
        "stages": {"required": {required: entries[required] for required in spec.requires}},
    }


def at_work(event: Json, spec: CheckSpec) -> Json:
    """The event of a check that is off by default, as if policy had it observe; any other as it is."""
    sections = event["policy"]["sections"]
    if sections[spec.check_id]["mode"] != Mode.OFF:
        return event
    observed = {**sections, spec.check_id: {**sections[spec.check_id], "mode": Mode.OBSERVE.value}}
    return {**event, "policy": {**event["policy"], "sections": observed}}


def write(path: Path, event: Json) -> None:
    """Write one event, for people to read."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(event, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Write every event that follows from the catalogue."""
    raw = MESSAGE.read_bytes()
    transaction = sample_transaction(raw)
    book = compile_snapshot(StoredRows(), Snapshot()).snapshot.book
    policy = book.resolve(transaction.recipients)
    asked = workflow_input(transaction, policy)
    given = {"transaction": asked["transaction"], "policy": asked["policy"]}
    stages = stage_results(raw, transaction, policy)
    for spec in catalog.specs():
        write(HERE / "checks" / f"{spec.check_id}.json", at_work(check_event(spec, given, stages), spec))
    first = [spec.check_id for spec in catalog.stages()[0]]
    write(HERE / "run_checks.json", {"checks": first, **given, "stages": {}})
    write(HERE / "decide.json", {**given, "stages": stages})
    write(HERE / "sign_message.json", sign_event(OUTGOING.read_bytes(), book))


if __name__ == "__main__":
    main()
