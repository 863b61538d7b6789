"""The smaller parts of the local service, each by itself."""

from __future__ import annotations

import json
import random
import smtplib
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from moto.cloudformation.parsing import get_model_map

from postern.policy_compiler import Snapshot, StoredRows, compile_snapshot
from postern_local import certificates, demonstration, faults, stand_ins, synthesis
from postern_local.durable_tables import dump_attributes, load_attributes
from postern_local.object_reads import answer
from postern_local.quick_states import copied, placed
from postern_local.relay_target import RelayTarget
from postern_local.samples import read_samples
from postern_local.schedules import ScheduledRule
from postern_local.service_file import AlreadyRunning, RunningService, only_one
from postern_local.sync_execution import names_one_value


def test_every_resource_that_is_stood_in_for_says_why() -> None:
    assert all(len(one.reason) > 20 for one in stand_ins.RESOURCES.values())
    assert all(len(reason) > 10 for reason in stand_ins.BEHAVIOUR.values())


def test_resources_that_moto_makes_as_we_need_them_are_left_to_moto() -> None:
    left = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::SNS::Topic"}
    assert left <= set(get_model_map())
    assert not left & set(stand_ins.RESOURCES)


def test_the_demonstrations_rows_are_good_policy() -> None:
    rows = demonstration.rows(relay_port=2599, remote_port=2600)
    compiled = compile_snapshot(
        StoredRows(rows["PolicyTable"], rows["DomainsTable"], rows["SenderListsTable"]), Snapshot()
    )
    assert compiled.problems == ()
    relayed = compiled.snapshot.domains[demonstration.RELAYED]
    assert relayed.target is not None
    assert (relayed.target.host, relayed.target.port) == ("127.0.0.1", 2599)


def test_every_sample_has_a_message_and_every_message_is_a_sample() -> None:
    samples = read_samples(synthesis.ROOT)
    assert len({sample.name for sample in samples}) == len(samples) >= 8
    used = {sample.message for sample in samples}
    assert used == set((synthesis.ROOT / "events" / "messages").glob("*.eml"))
    assert all(sample.rcpt_to for sample in samples)


def test_sample_messages_are_lines_that_end_in_crlf() -> None:
    for path in (synthesis.ROOT / "events" / "messages").glob("*.eml"):
        raw = path.read_bytes()
        assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r") > 0, path.name


@pytest.mark.parametrize(
    ("path", "definite"),
    [("$", True), ("$[0].spf", True), ("$.results.stage_1", True), ("$[*].spf", False), ("$..spf", False)],
)
def test_paths_that_name_one_value(path: str, definite: bool) -> None:
    assert names_one_value(path) is definite


def test_copies_are_equal_and_apart() -> None:
    value = {"a": [1, {"b": None}], "c": "d"}
    made = copied(value)
    assert made == value
    assert made["a"] is not value["a"]


def test_a_result_is_placed_without_changing_what_others_hold() -> None:
    shared = {"transaction": {"id": 1}, "results": {"stage_1": {"spf": 2}}}
    made = placed(shared, "$.results.stage_2", {"dkim": 3})
    assert made == {"transaction": {"id": 1}, "results": {"stage_1": {"spf": 2}, "stage_2": {"dkim": 3}}}
    assert shared["results"] == {"stage_1": {"spf": 2}}
    assert made["transaction"] is shared["transaction"]
    assert placed({"a": 1}, "$", [2]) == [2]
    assert placed({}, "$.error", "x") == {"error": "x"}


def test_octets_of_rows_survive_the_journal() -> None:
    attributes = {"content": {"B": b"\x00\xff"}, "ids": {"SS": ["a"]}, "deep": {"M": {"x": {"B": b""}}}}
    assert load_attributes(dump_attributes(attributes)) == attributes


def test_only_plain_reads_skip_http() -> None:
    plain = {"context": {"s3_redirect": {"params": {"Bucket": "b", "Key": "k", "IfNoneMatch": "x"}}}, "url": ""}
    assert answer(plain) is None
    elsewhere = {"context": {"s3_redirect": {"params": {"Bucket": "b", "Key": "k"}}}, "url": "http://127.0.0.1:1/b/k"}
    assert answer(elsewhere) is None


@pytest.mark.parametrize(("rate", "seconds"), [("rate(1 minute)", 60), ("rate(2 hours)", 7200), ("rate(1 day)", 86400)])
def test_rates(rate: str, seconds: int) -> None:
    rule = ScheduledRule.read("Sweep", {"ScheduleExpression": rate, "Targets": [{"Arn": "arn:f"}]})
    assert (rule.function, rule.seconds) == ("arn:f", seconds)


def test_a_schedule_that_is_no_rate_is_said() -> None:
    with pytest.raises(ValueError, match="cron"):
        ScheduledRule.read("Sweep", {"ScheduleExpression": "cron(0 12 * * ? *)", "Targets": []})


def test_the_certificate_is_by_our_authority_and_lasts_from_start_to_start(tmp_path: Path) -> None:
    made = certificates.local_certificate(tmp_path, "mx.example.com")
    context = ssl.create_default_context(cafile=made.authority)
    assert context.cert_store_stats()["x509_ca"] == 1
    names = x509.load_pem_x509_certificate(made.certificate.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["mx.example.com", "localhost"]
    assert certificates.local_certificate(tmp_path, "mx.example.com") == made
    assert (tmp_path / "authority.key").stat().st_mode & 0o077 == 0


def test_a_certificate_that_expires_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificates.local_certificate(tmp_path, "mx.example.com")
    monkeypatch.setattr(certificates, "RENEW_DAYS", certificates.CERTIFICATE_DAYS + 1)
    renewed = certificates.local_certificate(tmp_path, "mx.example.com")
    assert renewed.certificate != made.certificate
    assert renewed.authority == made.authority


def test_the_relay_target_keeps_envelope_and_octets(tmp_path: Path) -> None:
    target = RelayTarget(tmp_path)
    with smtplib.SMTP("127.0.0.1", target.port, timeout=10) as client:
        client.sendmail("a@friend.example", ["b@relayed.example"], b"Subject: x\r\n\r\n.dot\r\n")
    target.close()
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == (
        b"X-Envelope-From: <a@friend.example>\r\nX-Envelope-To: <b@relayed.example>\r\nSubject: x\r\n\r\n.dot\r\n"
    )


def test_the_relay_target_refuses_whom_it_does_not_know(tmp_path: Path) -> None:
    target = RelayTarget(tmp_path)
    with smtplib.SMTP("127.0.0.1", target.port, timeout=10) as client:
        refused = client.sendmail("a@x.example", ["b@r.example", "nobody@r.example", "later@r.example"], b"x\r\n")
    target.close()
    assert {address: code for address, (code, _) in refused.items()} == {
        "nobody@r.example": 550,
        "later@r.example": 451,
    }
    (kept,) = tmp_path.iterdir()
    assert b"nobody" not in kept.read_bytes()


def test_one_service_per_directory_and_its_file_goes_with_it(tmp_path: Path) -> None:
    running = RunningService(1, "http://127.0.0.1:1", 2525, 2526, "mx.example.com", {"PolicyTable": "p"})
    with only_one(tmp_path):
        running.write(tmp_path)
        assert json.loads((tmp_path / "service.json").read_text())["endpoint_url"] == "http://127.0.0.1:1"
        with pytest.raises(AlreadyRunning), only_one(tmp_path):
            pass
    assert not (tmp_path / "service.json").exists()


def test_nobody_else_on_the_machine_can_read_what_the_service_keeps(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o755)
    with only_one(directory):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_synthesis_is_done_again_when_an_input_or_the_context_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text("1")
    monkeypatch.setattr(synthesis, "ROOT", tmp_path)
    monkeypatch.setattr(synthesis, "INPUTS", ("app.py",))
    before = synthesis.fingerprint({"packing": "check"})
    assert synthesis.fingerprint({"packing": "check"}) == before
    assert synthesis.fingerprint({"packing": "stage"}) != before
    (tmp_path / "app.py").write_text("2")
    assert synthesis.fingerprint({"packing": "check"}) != before


def test_what_the_app_says_when_it_fails_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text("raise SystemExit('hostname: is missing')")
    monkeypatch.setattr(synthesis, "ROOT", tmp_path)
    with pytest.raises(synthesis.SynthesisError, match="hostname: is missing"):
        synthesis.synthesize(tmp_path / "assemblies", {})


def test_an_assembly_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text("import os, pathlib; pathlib.Path(os.environ['CDK_OUTDIR']).mkdir()")
    monkeypatch.setattr(synthesis, "ROOT", tmp_path)
    monkeypatch.setattr(synthesis, "INPUTS", ("app.py",))
    assemblies = tmp_path / "assemblies"
    first = synthesis.synthesize(assemblies, {})
    (tmp_path / "app.py").touch()
    assert synthesis.is_ready(assemblies, {})
    assert synthesis.synthesize(assemblies, {}) == first
    (tmp_path / "app.py").write_text((tmp_path / "app.py").read_text() + "\n")
    assert synthesis.synthesize(assemblies, {}) != first


def test_an_assembly_in_use_is_kept_however_old_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text("import os, pathlib; pathlib.Path(os.environ['CDK_OUTDIR']).mkdir()")
    monkeypatch.setattr(synthesis, "ROOT", tmp_path)
    monkeypatch.setattr(synthesis, "INPUTS", ("app.py",))
    first = synthesis.synthesize(tmp_path / "assemblies", {"at": "first"})
    with synthesis.in_use(first):
        for at in range(5):
            synthesis.synthesize(tmp_path / "assemblies", {"at": str(at)})
        assert first.exists()
    synthesis.synthesize(tmp_path / "assemblies", {"at": "last"})
    assert not first.exists()


def test_only_a_few_assemblies_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text("import os, pathlib; pathlib.Path(os.environ['CDK_OUTDIR']).mkdir()")
    monkeypatch.setattr(synthesis, "ROOT", tmp_path)
    monkeypatch.setattr(synthesis, "INPUTS", ("app.py",))
    made = [synthesis.synthesize(tmp_path / "assemblies", {"at": str(at)}) for at in range(5)]
    assert [path.exists() for path in made] == [False, False, True, True, True]


def request_for(service: str) -> dict[str, Any]:
    credential = f"AWS4-HMAC-SHA256 Credential=local/20261122/us-east-1/{service}/aws4_request, SignedHeaders=host"
    return {"HTTP_AUTHORIZATION": credential, "wsgi.input": None, "CONTENT_LENGTH": ""}


def test_faults_strike_the_named_services_and_are_counted() -> None:
    done: list[str] = []

    def inner(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        done.append("x")
        return [b"fine"]

    class Input:
        def read(self, size: int) -> bytes:
            return b""

    said: list[str] = []
    application = faults.FaultyApplication(inner, {"s3": 1.0}, random.Random(1))  # noqa: S311 - guards nothing
    for service in ["s3"] * 20 + ["sqs"] * 3:
        application({**request_for(service), "wsgi.input": Input()}, lambda status, _: said.append(status))
    assert application.counts == {"s3": 20}
    assert said.count("500 Internal Server Error") == 20
    assert said.count("200 OK") == 3
    assert 3 < len(done) < 23  # some were done although the answer was lost


@pytest.mark.parametrize("text", ["s3", "s3=2", "disk=0.1", "s3=0,1"])
def test_faults_that_are_none_are_said(text: str) -> None:
    with pytest.raises(faults.FaultsError):
        faults.read_faults(text)


def test_faults_as_people_write_them() -> None:
    assert faults.read_faults("s3=0.05,states=1") == {"s3": 0.05, "states": 1.0}
