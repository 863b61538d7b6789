"""The resolver against a real name server on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postern.dns import DnsAnswer, DnsStatus, Question
from postern.zone import Zone, ZoneResolver
from postern_aws import dns as system_dns
from postern_aws.dns import NameServers, SystemResolver, system_name_servers
from postern_aws.dns_cache import AnswerCache
from tests.dns_server import DnsServer, serve

LONG = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(200)) + " -all"
OCTETS = b"caf\xe9 \x00\xff".decode("utf-8", "surrogateescape")
ZONE: Zone = {
    "example.com": {
        "A": ["192.0.2.1", "192.0.2.2"],
        "AAAA": ["2001:DB8:0::1"],
        "MX": ["10 Mail.Example.com", "20 mail2.example.com"],
        "TXT": ["v=spf1 -all", OCTETS],
        "NS": ["NS1.example.com"],
    },
    "nomail.example": {"MX": ["0 ."]},
    "long.example": {"TXT": [LONG]},
    "alias.example": {"CNAME": ["Other.example"]},
    "other.example": {"CNAME": ["example.com"]},
    "dangling.example": {"CNAME": ["nowhere.example"]},
    "loop.example": {"CNAME": ["loop.example"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["Mail.Example.com"]},
    "foo:bar/baz  x.example.com": {"A": ["192.0.2.3"]},
    "silent.example": {"A": "TIMEOUT"},
    "failing.example": {"*": "SERVFAIL"},
    "deep.below.example.org": {"A": ["192.0.2.9"]},
}
QUESTIONS = [
    Question(name, rdtype)
    for name, rdtype in [
        ("example.com", "A"),
        ("EXAMPLE.com.", "AAAA"),
        ("example.com", "MX"),
        ("example.com", "TXT"),
        ("example.com", "NS"),
        ("example.com", "PTR"),
        ("nomail.example", "MX"),
        ("long.example", "TXT"),
        ("alias.example", "A"),
        ("dangling.example", "A"),
        ("loop.example", "A"),
        ("1.2.0.192.in-addr.arpa", "PTR"),
        ("foo:bar/baz  x.example.com", "A"),
        ("failing.example", "A"),
        ("below.example.org", "A"),
        ("nowhere.example.org", "A"),
        ("two..dots.example", "A"),
        (f"{'x' * 64}.example", "A"),
        (".".join(["x" * 63] * 4), "A"),
        ("", "A"),
    ]
]


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with serve(DnsServer(ZONE)) as running:
        yield running


def resolver(server: DnsServer, *, deadline: datetime | None = None, seconds: float = 6.0) -> SystemResolver:
    servers = NameServers(("127.0.0.1",), server.port)
    return SystemResolver(deadline, servers, attempt_seconds=seconds / 2, question_seconds=seconds)


def test_answers_are_those_of_the_same_zone_as_data(server: DnsServer) -> None:
    asked = resolver(server).query_all(QUESTIONS)
    expected = ZoneResolver(ZONE).query_all(QUESTIONS)
    # AAAA in the form of RFC 5952, which a zone's author may not have used.
    expected = tuple(DnsAnswer(one.status, tuple(r.replace(":0::", "::") for r in one.records)) for one in expected)
    assert {q: (a.status, set(a.records)) for q, a in zip(QUESTIONS, asked, strict=True)} == {
        q: (a.status, set(a.records)) for q, a in zip(QUESTIONS, expected, strict=True)
    }


def test_octets_of_a_text_record_survive(server: DnsServer) -> None:
    assert b"caf\xe9 \x00\xff".decode("latin-1") in resolver(server).query("example.com", "TXT").records


def test_what_is_too_large_for_udp_comes_by_tcp(server: DnsServer) -> None:
    assert resolver(server).query("long.example", "TXT").records == (LONG,)
    assert [transport for _, _, transport in server.questions] == ["udp", "tcp"]


def test_a_truncated_answer_is_never_used() -> None:
    with serve(DnsServer(ZONE, truncate=True)) as truncating:
        assert set(resolver(truncating).query("example.com", "A").records) == {"192.0.2.1", "192.0.2.2"}
        assert truncating.questions[-1][2] == "tcp"


def test_silence_is_a_timeout_within_the_time_given(server: DnsServer) -> None:
    began = time.monotonic()
    assert resolver(server, seconds=0.4).query("silent.example", "A").status is DnsStatus.TIMEOUT
    assert 0.3 < time.monotonic() - began < 2
    assert len(server.questions) == 2  # asked again once


def test_several_questions_wait_together(server: DnsServer) -> None:
    silent = [Question(f"{n}.silent.example", "A") for n in range(5)]
    with serve(DnsServer({one.name: {"A": "TIMEOUT"} for one in silent})) as mute:
        began = time.monotonic()
        answers = resolver(mute, seconds=0.4).query_all(silent)
        assert {answer.status for answer in answers} == {DnsStatus.TIMEOUT}
        assert time.monotonic() - began < 1.5


def test_nothing_is_asked_after_the_deadline(server: DnsServer) -> None:
    late = resolver(server, deadline=datetime.now(UTC) - timedelta(seconds=1))
    assert late.query("example.com", "A").status is DnsStatus.TIMEOUT
    assert server.questions == []
    assert resolver(server).query("example.com", "A").status is DnsStatus.FOUND  # and nothing wrong was remembered


def test_the_deadline_cuts_a_question_short(server: DnsServer) -> None:
    soon = resolver(server, deadline=datetime.now(UTC) + timedelta(seconds=0.3))
    began = time.monotonic()
    assert soon.query("silent.example", "A").status is DnsStatus.TIMEOUT
    assert time.monotonic() - began < 2


def test_the_next_server_is_asked_when_one_fails(server: DnsServer) -> None:
    with serve(DnsServer({"example.com": {"*": "SERVFAIL"}})) as failing:
        assert resolver(failing).query("example.com", "A").status is DnsStatus.SERVFAIL
        assert len(failing.questions) == 1
    nobody = NameServers(("127.0.0.1",), failing.port)  # closed now
    assert SystemResolver(None, nobody, 0.1, 0.2).query("other.example", "A").failed


@pytest.mark.parametrize("name", ["example.com", "nowhere.example.org", "below.example.org", "failing.example"])
def test_answers_are_remembered(server: DnsServer, name: str) -> None:
    first = resolver(server).query(name, "A")
    assert resolver(server).query(f"{name.upper()}.", "A") == first
    assert len(server.questions) == 1


@pytest.mark.parametrize("name", ["example.com", "nowhere.example.org"])
def test_what_must_not_be_kept_is_asked_again(name: str) -> None:
    with serve(DnsServer(ZONE, ttl=0)) as fleeting:
        for _ in range(2):
            resolver(fleeting).query(name, "A")
        assert len(fleeting.questions) == 2


def test_the_same_question_is_asked_once_of_many(server: DnsServer) -> None:
    answers = resolver(server).query_all([Question("example.com", "A")] * 10 + [Question("nomail.example", "MX")])
    assert len(answers) == 11
    assert len(server.questions) == 2


def test_u_labels_are_asked_as_a_labels(server: DnsServer) -> None:
    assert resolver(server).query("münchen.example", "A").status is DnsStatus.NXDOMAIN
    assert server.questions == [("xn--mnchen-3ya.example", "A", "udp")]
    assert resolver(server).query("\udcff.example", "A").status is DnsStatus.INVALID_NAME


def test_the_cache_has_room_for_so_many() -> None:
    cache = AnswerCache(2)
    questions = [Question(f"{n}.example", "A") for n in range(3)]
    for question in questions:
        cache.put(question, DnsAnswer(DnsStatus.FOUND, ("192.0.2.1",)), 60)
    assert [cache.get(question) is not None for question in questions] == [False, True, True]


def test_the_cache_forgets_what_has_expired() -> None:
    cache = AnswerCache(10)
    question = Question("example.com", "A")
    cache.put(question, DnsAnswer(DnsStatus.FOUND, ("192.0.2.1",)), 0.05)
    assert cache.get(question) is not None
    time.sleep(0.06)
    assert cache.get(question) is None


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (
            "# comment\nsearch x\nnameserver 192.0.2.53\nnameserver\nnameserver 2001:db8::53\n",
            ("192.0.2.53", "2001:db8::53"),
        ),
        ("nameserver 1\n" * 5, ("1", "1", "1")),
        ("", ("127.0.0.1",)),
        (None, ("127.0.0.1",)),
    ],
)
def test_the_system_s_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, addresses: tuple[str, ...]
) -> None:
    path = tmp_path / "resolv.conf"
    if text is not None:
        path.write_text(text, "utf-8")
    monkeypatch.setattr(system_dns, "RESOLV_CONF", path)
    system_name_servers.cache_clear()
    try:
        assert system_name_servers().addresses == addresses
    finally:
        system_name_servers.cache_clear()
