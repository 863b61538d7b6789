"""One packing's measurement for `bench.cost_units`: `python -m bench.cost_run PACKING CORPUS MESSAGES ANSWER`."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import smtplib
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3

from bench.aws_meter import FRONT_END, Meter, caller, item_octets
from bench.parse import read_messages
from postern import catalog
from postern.dns import DnsAnswer, DnsStatus
from postern.wire import to_json
from postern.workflow import Packing
from postern.zone import ZoneResolver
from postern_aws import check_function, delivery, dns
from postern_aws.settings import read_settings
from postern_cli.cost.units import Fate, FunctionUse, MessageUse, PackingUse
from postern_cli.rows import Rows
from postern_frontend.main import FrontEnd
from postern_frontend.session_log import configure_logging
from postern_frontend.settings import ReceiverSettings
from postern_local import environment, function_log
from postern_local.embedded_aws import EmbeddedAws
from postern_local.function_runtime import Deployed, FunctionRuntime
from postern_local.synthesis import synthesize

SENDER = "sender.example"
RECIPIENT = "ann@example.com"
CLIENTS = 250
"""So many hosts send in turn: one that sent everything would be a flood."""

REPORTED = ("v=DMARC1; p=none; rua=mailto:reports@sender.example",)
"""Every author domain publishes a policy and asks for reports, as most mail does today: each message is counted."""


class Zone(ZoneResolver):
    """The zone of the sending hosts, and a DMARC record for whomever it is asked."""

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask one question."""
        asks_for_policy = rdtype == "TXT" and name.startswith("_dmarc.")
        return DnsAnswer(DnsStatus.FOUND, REPORTED) if asks_for_policy else super().query(name, rdtype)


ZONE = Zone(
    {
        SENDER: {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"], "A": ["192.0.2.1"], "MX": [f"10 mx1.{SENDER}"]},
        **{f"mx{host}.{SENDER}": {"A": [f"192.0.2.{host}"]} for host in range(1, CLIENTS + 1)},
        **{f"{host}.2.0.192.in-addr.arpa": {"PTR": [f"mx{host}.{SENDER}"]} for host in range(1, CLIENTS + 1)},
    }
)
SETTLING_SECONDS = 60
QUIET_SECONDS = 3.0
MAX_OCTETS = 200_000
BY_THE_CLOCK = frozenset({"sweep", "compile_policy"})
"""Functions that no message calls."""

EVERYTHING_RUNS = {check_id: {"mode": "score"} for check_id in catalog.CHECKS}
"""Every check is run, and none defers or refuses by itself: the score decides the fate."""
ACCEPTING = {**EVERYTHING_RUNS, "spam_filter": {"refuse_at": 0}}
POLICIES: Mapping[Fate, Mapping[str, Any]] = {
    Fate.ACCEPTED: ACCEPTING,
    Fate.REFUSED: {**EVERYTHING_RUNS, "spf": {"mode": "score", "scores": {"SPF_PASS": 500}}},
    Fate.REFUSED_EARLY: {**ACCEPTING, "sender_lists": {"mode": "enforce"}},
    Fate.GREYLISTED: {**ACCEPTING, "greylisting": {"mode": "enforce", "applies_to": "all", "delay_minutes": 1440}},
}
REPLIES = {Fate.ACCEPTED: 250, Fate.REFUSED: 550, Fate.REFUSED_EARLY: 550, Fate.GREYLISTED: 451}


class Sender(smtplib.SMTP):
    """One of the hosts; names its address in a PROXY header, as a balancer would."""

    def __init__(self, host: int, port: int) -> None:
        self._address = f"192.0.2.{host}"
        super().__init__("127.0.0.1", port, local_hostname=f"mx{host}.{SENDER}", timeout=60)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((host, port), timeout)
        made.sendall(f"PROXY TCP4 {self._address} 127.0.0.1 40000 25\r\n".encode())
        return made


def instrument(meter: Meter) -> None:
    """Let the meter see invocations, the threads in which they work, and their DNS questions."""
    runtime: Any = FunctionRuntime
    call = runtime._call  # noqa: SLF001 - the one place where a handler runs

    def invoked(this: FunctionRuntime, function: Deployed, payload: str, context: Any) -> Any:
        with meter.invocation(function.name):
            return call(this, function, payload, context)

    runtime._call = invoked  # noqa: SLF001 - as above
    for module, name in ((check_function, "run_check"), (delivery.Delivery, "_deliver_one")):
        _count_work(meter, module, name)
    dns.SystemResolver = lambda **_: meter.resolver(ZONE)  # type: ignore[misc,assignment]


def _count_work(meter: Meter, owner: Any, name: str) -> None:
    work = getattr(owner, name)

    def counted(*arguments: Any) -> Any:
        with meter.working(caller()):
            return work(*arguments)

    setattr(owner, name, counted)


@contextmanager
def front_end() -> Iterator[int]:
    """The SMTP receiver in this process; its port."""
    os.environ["POSTERN_LISTEN_ADDRESS"] = "127.0.0.1"
    os.environ |= {"POSTERN_SMTP_PORT": "0", "POSTERN_HEALTH_PORT": "0", "POSTERN_PROXY_PROTOCOL": "true"}
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    running = asyncio.run_coroutine_threadsafe(_started(), loop).result(60)
    yield running.smtp_port
    asyncio.run_coroutine_threadsafe(running.stop(), loop).result(60)


async def _started() -> FrontEnd:
    made = FrontEnd(read_settings(ReceiverSettings))
    await made.start()
    return made


class Site:
    """The deployed tables, and the policy under which a fate comes about."""

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self._outputs = outputs
        self._client = boto3.client("dynamodb")
        self.rows("DomainsTable").put({"domain": "example.com"})
        self.rows("AccountsTable").put({"address": RECIPIENT})
        # So that the lists are looked up for every message: functions remember for a minute which lists there are.
        self.rows("SenderListsTable").put({"scope": "global", "entry": "refuse#*@nobody.example"})

    def rows(self, output: str) -> Rows:
        """A table by the name of its output."""
        return Rows(self._client, self._outputs[output])

    def prepare(self, fate: Fate, meter: Meter) -> None:
        """Write the policy and wait for the compiler."""
        before = sum(meter.invocations.values())
        self._empty("PolicyTable", ("scope", "section"))
        for section, stored in POLICIES[fate].items():
            self.rows("PolicyTable").put({"scope": "global", "section": section, **stored})
        entry = {"scope": "global", "entry": f"refuse#*@{SENDER}"}
        lists = self.rows("SenderListsTable")
        if fate is Fate.REFUSED_EARLY:
            lists.put(entry)
        else:
            lists.delete(entry)
        wait_until_quiet(meter, after=before)

    def kept(self) -> dict[str, float]:
        """The mean size of the rows that age."""
        found = {}
        for output, name in (("ReceiptsTable", "receipts"), ("OutboxTable", "outbox")):
            items = self._client.scan(TableName=self._outputs[output])["Items"]
            found[name] = sum(map(item_octets, items)) / len(items) if items else 0.0
        return found

    def forget(self) -> None:
        """Empty the tables that fill."""
        self._empty("ReceiptsTable", ("transaction_id",))
        self._empty("OutboxTable", ("id", "part"))

    def _empty(self, output: str, keys: tuple[str, ...]) -> None:
        rows = self.rows(output)
        for row in list(rows.every()):
            rows.delete({name: row[name] for name in keys})


def wait_until_quiet(meter: Meter, *, after: int = 0) -> None:
    """Until functions were invoked more than `after` times, and the streams have nothing more to do."""
    until = time.monotonic() + SETTLING_SECONDS
    seen = -1
    while time.monotonic() < until and (seen <= after or seen != sum(meter.invocations.values())):
        seen = sum(meter.invocations.values())
        time.sleep(QUIET_SECONDS)


def send(port: int, raw: bytes, number: int) -> int:
    """Send one message; the code of the reply to DATA. Its id makes it differ from every other."""
    with Sender(number % CLIENTS + 1, port) as session:
        try:
            session.sendmail(f"bob@{SENDER}", RECIPIENT, f"X-Number: {number}\r\n".encode() + raw)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code
    return 250


def measure(fate: Fate, port: int, messages: list[bytes], site: Site, meter: Meter, log: Path) -> MessageUse:
    """What messages of one fate use; the first few are sent to warm up."""
    for at, raw in enumerate(messages[:5]):
        send(port, raw, -1 - at)
    wait_until_quiet(meter)
    site.forget()
    wait_until_quiet(meter)
    meter.reset()
    before = _logged(log)
    codes = {send(port, raw, number) for number, raw in enumerate(messages)}
    wait_until_quiet(meter)
    expected = REPLIES[fate]
    if codes != {expected}:
        raise SystemExit(f"{fate}: expected {expected} for every message, got {sorted(codes)}")
    used = use(meter, messages, (_logged(log) - before) / len(messages))
    return replace(used, kept_octets={**used.kept_octets, **site.kept()})


def _logged(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def use(meter: Meter, messages: list[bytes], log_octets: float) -> MessageUse:
    """The counts per message, of whoever works for messages."""
    count = len(messages)
    front_end_calls = Counter(meter.calls[FRONT_END])
    described = {name: _described(name) for name in meter.invocations}
    for_messages = [name for name, (_, service) in described.items() if service not in BY_THE_CLOCK]
    every: Counter[str] = Counter(front_end_calls)
    units: Counter[str] = Counter(meter.units[FRONT_END])
    for name in for_messages:
        every.update(meter.calls[name])
        units.update(meter.units[name])
    size = sum(map(len, messages)) / count
    return MessageUse(
        count,
        size,
        tuple(sorted((function_use(meter, name, described[name], count) for name in for_messages), key=_by_stage)),
        {name: number / count for name, number in sorted(every.items())},
        units["write"] / count,
        units["read"] / count,
        log_octets,
        meter.state_octets / count,
        {"incoming": size},
    )


def _by_stage(one: FunctionUse) -> tuple[int, str]:
    return (one.stage or 99, one.name)


def _described(name: str) -> tuple[dict[str, Any], str]:
    """A function's configuration, and which of `functions/` it is."""
    configuration: Any = boto3.client("lambda").get_function(FunctionName=name)["Configuration"]
    return configuration, configuration.get("Environment", {}).get("Variables", {}).get("POWERTOOLS_SERVICE_NAME", name)


def function_use(meter: Meter, name: str, described: tuple[dict[str, Any], str], messages: int) -> FunctionUse:
    """One function's share."""
    times = meter.invocations[name]
    configuration, service = described
    checks = configuration.get("Environment", {}).get("Variables", {}).get("POSTERN_CHECKS", "")
    return FunctionUse(
        checks or service,
        _stage_of(checks, service),
        int(configuration["MemorySize"]),
        times / messages,
        meter.cpu[name] * 1000 / times,
        meter.dns_rounds[name] / times,
        {asked: number / times for asked, number in sorted(meter.calls[name].items())},
    )


def _stage_of(checks: str, service: str) -> int:
    stages = [{spec.check_id for spec in stage} for stage in catalog.stages()]
    if checks:
        return next(number for number, stage in enumerate(stages, 1) if checks.split(",", 1)[0] in stage)
    return len(stages) + 1 if service == "decide" else 0


def standing(assembly: Path, log: Path) -> dict[str, int]:
    """What costs by the month: resources of the template, and metrics that were told."""
    template = json.loads((assembly / "Postern.template.json").read_text(encoding="utf-8"))
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    told = (json.loads(line) for line in (log / function_log.METRICS).read_text(encoding="utf-8").splitlines())
    directives = [directive for line in told for directive in line["_aws"]["CloudWatchMetrics"]]
    return {
        "metrics": len({metric["Name"] for directive in directives for metric in directive["Metrics"]}),
        "alarms": kinds.count("AWS::CloudWatch::Alarm"),
        "dashboards": kinds.count("AWS::CloudWatch::Dashboard"),
        "secrets": kinds.count("AWS::SecretsManager::Secret"),
    }


def machine() -> str:
    """The processor, by its name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def chosen(corpus: Path, number: int) -> list[bytes]:
    """Messages spread over the corpus, without the few very large ones."""
    found = [raw for raw in read_messages(corpus) if len(raw) <= MAX_OCTETS]
    return found[:: max(1, len(found) // number)][:number]


def run(packing: Packing, corpus: Path, number: int, directory: Path) -> dict[str, object]:
    """Deploy, measure each fate, and put it together."""
    assembly = synthesize(directory / "assembly", {"packing": packing.value})
    meter = Meter()
    embedded = EmbeddedAws(assembly, directory / "state")
    log = directory / "log"
    function_log.to_files(log)
    embedded.start()
    meter.install()
    instrument(meter)
    os.environ.update(embedded.container_environment())
    configure_logging("INFO", (log / "front-end.log").open("a", buffering=1))
    site = Site(embedded.outputs)
    messages = chosen(corpus, number)
    fates = {}
    for fate in Fate:
        site.prepare(fate, meter)
        with front_end() as port:
            fates[fate.value] = measure(fate, port, messages, site, meter, log)
    definition = boto3.client("stepfunctions").describe_state_machine(
        stateMachineArn=embedded.outputs["StateMachineArn"]
    )["definition"]
    embedded.stop()
    return {
        "machine": machine(),
        "python": platform.python_version(),
        "checks": list(catalog.CHECKS),
        "packing": to_json(PackingUse(len(definition.encode()), standing(assembly, log), fates)),
    }


def main() -> None:
    """Measure the packing that is named on the command line."""
    packing, corpus, number, answer = sys.argv[1:]
    environment.install()
    with tempfile.TemporaryDirectory(prefix="postern-cost-") as directory:
        told = run(Packing(packing), Path(corpus), int(number), Path(directory))
    Path(answer).write_text(json.dumps(told), encoding="utf-8")
    os._exit(0)  # threads of the embedded AWS would be waited for


if __name__ == "__main__":
    main()
