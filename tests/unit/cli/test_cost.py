"""What the service costs: the arithmetic from units and prices to dollars, and the command that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postern.workflow import Packing
from postern_cli.cost.assumptions import Assumptions
from postern_cli.cost.model import MILLION, bill, duration_ms, early_exit_saves, gb_seconds, workflow_gb_seconds
from postern_cli.cost.prices import PRICES
from postern_cli.cost.units import Besides, Fate, FunctionUse, MessageUse, PackingUse, measured_units
from tests.unit.cli.conftest import CommandLine

EXACT = Assumptions(processor=1.0, dns_ms=10.0, request_cpu_ms=0.0, step_ms=20.0, cold_share=0.0)
SPF = FunctionUse("spf", 1, 1769, 1.0, 5.0, 2.0, {})
DKIM = FunctionUse("dkim", 2, 1769, 1.0, 10.0, 0.0, {"s3.GetObject": 1.0})
DECIDE = FunctionUse("decide", 3, 512, 1.0, 2.0, 0.0, {})
DELIVER = FunctionUse("deliver_message", 0, 512, 1.0, 2.0, 0.0, {})
USE = MessageUse(
    messages=1,
    octets=10_000,
    functions=(SPF, DKIM, DECIDE, DELIVER),
    calls={"s3.PutObject": 2.0, "s3.GetObject": 3.0, "sqs.SendMessage": 1.0},
    write_units=10,
    read_units=4,
    log_octets=1_000,
    state_octets=10_000,
    kept_octets={"receipts": 2_000, "outbox": 1_000, "incoming": 10_000},
)
STANDING = {"metrics": 5, "alarms": 10, "dashboards": 1, "secrets": 1}
EARLY = replace(USE, functions=(SPF, DECIDE), calls={"s3.PutObject": 1.0})
LEARNT = replace(USE, octets=0.0, functions=(replace(DELIVER, name="learn", invocations=0.5),), kept_octets={})
BESIDES = {Besides.OUTGOING.value: USE, Besides.LEARNT.value: LEARNT}
PACKING = PackingUse(20_000, STANDING, {**dict.fromkeys(map(str, Fate), USE), Fate.REFUSED_EARLY: EARLY}, BESIDES)


def dollars(assumed: Assumptions = EXACT) -> dict[str, float]:
    return {line.item: round(line.dollars, 4) for line in bill(PACKING, assumed, PRICES).per_million}


def test_a_function_computes_and_waits() -> None:
    assert duration_ms(SPF, EXACT) == 5 + 2 * 10
    assert duration_ms(DKIM, EXACT) == 10 + 20


def test_less_memory_is_less_of_a_processor() -> None:
    assert duration_ms(replace(DECIDE, cpu_ms=2.0), EXACT) == pytest.approx(2 * 1769 / 512)


def test_a_slower_processor_lengthens_only_what_is_computed() -> None:
    assert duration_ms(SPF, replace(EXACT, processor=2.0)) == 2 * 5 + 2 * 10


def test_cold_starts_are_paid_by_their_share() -> None:
    warm, cold = gb_seconds(SPF, EXACT), gb_seconds(SPF, replace(EXACT, cold_share=0.5, cold_ms=100))
    assert cold - warm == pytest.approx(0.05 * 1769 / 1024)


def test_an_execution_is_billed_in_steps_of_time_and_memory() -> None:
    taken = (25 + 20) + (30 + 20) + (2 * 1769 / 512 + 20)
    assert 100 < taken < 200
    assert workflow_gb_seconds(USE, PACKING, EXACT) == pytest.approx(0.2 * 64 / 1024)


def test_each_line_is_its_quantity_times_its_price() -> None:
    found = dollars()
    assert found["Lambda, requests"] == 0.8
    assert found["Step Functions, executions"] == 1.0
    assert found["DynamoDB, writes"] == 6.25
    assert found["DynamoDB, reads"] == 0.5
    assert found["S3, writes"] == 10.0
    assert found["S3, reads"] == 1.2
    assert found["SQS"] == 0.4
    assert found["CloudWatch, logs"] == 0.5
    assert found["Load balancer, octets"] == 0.06
    assert found["Kept: receipts 90 days, outbox 3 days"] == round((2 * 3 + 1 * 0.1) * 0.45, 4)


def test_the_fates_count_by_their_shares() -> None:
    every, half = replace(EXACT, accepted_share=1.0), replace(EXACT, accepted_share=0.5, early_share=0.5)
    assert dollars(every)["S3, writes"] == 10.0
    assert dollars(half)["S3, writes"] == 7.5
    assert early_exit_saves(PACKING, EXACT, PRICES) > 0


def test_shares_never_exceed_the_whole() -> None:
    shares = Assumptions(accepted_share=0.8, early_share=0.9).shares()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares[Fate.REFUSED] == pytest.approx(0.0)


def test_a_month_is_what_stands_and_what_comes() -> None:
    found = bill(PACKING, EXACT, PRICES)
    assert found.month(replace(EXACT, messages_per_month=0)) == found.fixed
    twice = replace(EXACT, messages_per_month=2 * MILLION)
    assert found.month(twice) == pytest.approx(found.fixed + 2 * found.million)


def test_what_is_sent_and_learnt_is_paid_beside_what_comes() -> None:
    none = replace(EXACT, messages_per_month=0)
    found = bill(PACKING, none, PRICES)
    sent, learnt = (sum(line.dollars for line in found.besides[kind]) for kind in Besides)
    month = found.month(replace(none, outgoing_per_month=MILLION, learnt_per_month=MILLION / 2))
    assert month == pytest.approx(found.fixed + sent + learnt / 2)


def test_learning_executes_no_workflow_and_passes_no_balancer() -> None:
    found = bill(PACKING, replace(EXACT, message_kb=10.0), PRICES).besides[Besides.LEARNT]
    quantities = {line.item: line.quantity for line in found}
    assert quantities["Lambda, requests"] == MILLION / 2
    assert quantities["Step Functions, executions"] == quantities["Step Functions, time"] == 0
    assert quantities["Load balancer, octets"] == quantities["Kept: incoming messages"] == 0


def test_the_measurement_that_ships_holds_both_packings_and_every_fate() -> None:
    units = measured_units()
    assert set(units.packings) == set(Packing)
    assert all(set(one.fates) == set(Fate) for one in units.packings.values())
    assert all(set(one.besides) == set(Besides) for one in units.packings.values())
    counts = {name: len(one.fates[Fate.ACCEPTED].functions) for name, one in units.packings.items()}
    assert counts[Packing.CHECK] == len(units.checks) + 2
    assert counts[Packing.STAGE] < counts[Packing.CHECK]


def test_the_measurement_saw_the_whole_way_of_a_sent_and_of_a_learnt_message() -> None:
    besides = measured_units().packings[Packing.STAGE].besides
    sent, learnt = besides[Besides.OUTGOING], besides[Besides.LEARNT]
    assert {one.name for one in sent.functions} == {"decide", "sign_message", "deliver_message"}
    assert sent.calls["s3.GetObject"] == 3  # signing, delivery, and the relay worker
    assert [one.name for one in learnt.functions] == ["learn"]
    assert learnt.write_units > 5  # an item with all tokens, written and taken out again


def test_packing_by_stage_is_the_cheaper_one_and_both_stay_within_reason(postern: CommandLine) -> None:
    told = postern.json("cost")["packings"]
    per_check, per_stage = (told[packing]["dollars_per_million"] for packing in ("check", "stage"))
    assert per_stage < per_check < 40


def test_assumptions_are_options(postern: CommandLine) -> None:
    told = postern.json("cost", "--messages", "0", "--accepted", "1", "--packing", "stage", "--tasks", "4")
    assert list(told["packings"]) == ["stage"]
    assert told["assumptions"]["accepted_share"] == 1
    stage = told["packings"]["stage"]
    assert stage["dollars_per_month"] == stage["dollars_per_month_fixed"]
    postern("cost", "--accepted", "2", code=2)


def test_units_of_the_tables_are_told_per_message_by_what_becomes_of_it(postern: CommandLine) -> None:
    told = postern.json("cost")["packings"]["stage"]["units_per_message"]
    assert set(told) == {*Fate, *Besides}
    assert told["accepted"]["write_units"] > told["greylisted"]["write_units"] > 0
    assert told["greylisted"]["read_units"] > 0
    assert "greylisted, each attempt" in postern("cost").stdout


def test_what_is_sent_and_learnt_is_nothing_until_it_is_said(postern: CommandLine) -> None:
    options = ("cost", "--packing", "stage", "--messages", "0")
    stage = postern.json(*options)["packings"]["stage"]
    assert stage["dollars_per_month"] == stage["dollars_per_month_fixed"]
    more = postern.json(*options, "--outgoing", "2000000", "--learnt", "1000000")["packings"]["stage"]
    added = 2 * stage["dollars_per_million_outgoing"] + stage["dollars_per_million_learnt"]
    assert more["dollars_per_month"] == pytest.approx(stage["dollars_per_month"] + added, abs=0.001)
    assert "2,000,000 outgoing" in postern("cost", "--outgoing", "2000000").stdout


def test_people_see_both_packings_side_by_side(postern: CommandLine) -> None:
    told = postern("cost").stdout
    expected = ("per check", "per stage", "DynamoDB, writes", "Load balancer", "looked up on", "Dollars a month")
    assert [one for one in expected if one not in told] == []
