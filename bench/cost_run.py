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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from bench.aws_meter import FRONT_END, Meter, caller
from bench.cost_besides import enable_sending, labelled, submit, teach
from bench.cost_site import SENDER, Site, wait_until_quiet
from bench.parse import read_messages
from postern import catalog
from postern.dns import DnsAnswer, DnsStatus
from postern.wire import to_json
from postern.workflow import Packing
from postern.zone import ZoneResolver
from postern_aws import check_function, delivery, dns
from postern_aws.learn_function import LearnFunction
from postern_aws.settings import RelaySettings, read_settings
from postern_cli.cost.units import Besides, Fate, FunctionUse, MessageUse, PackingUse
from postern_frontend.main import FrontEnd
from postern_frontend.session_log import configure_logging
from postern_frontend.settings import ReceiverSettings
from postern_local import environment, function_log
from postern_local.embedded_aws import EmbeddedAws
from postern_local.function_runtime import Deployed, FunctionRuntime
from postern_local.relay_target import RelayTarget
from postern_local.synthesis import synthesize

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
MAX_OCTETS = 200_000
BY_THE_CLOCK = frozenset({"sweep", "compile_policy"})
"""Functions that no message calls."""

POLLING = "sqs.ReceiveMessage"
"""Queues are asked by the clock, too."""

REPLIES = {Fate.ACCEPTED: 250, Fate.REFUSED: 550, Fate.REFUSED_EARLY: 550, Fate.GREYLISTED: 451}

Send = Callable[[bytes, int], int]
"""Sends a message under a number; the code of the reply."""


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
    work = ((check_function, "run_check"), (delivery.Delivery, "_deliver_one"), (LearnFunction, "_lesson"))
    for module, name in work:
        _count_work(meter, module, name)
    dns.SystemResolver = lambda **_: meter.resolver(ZONE)  # type: ignore[misc,assignment]


def _count_work(meter: Meter, owner: Any, name: str) -> None:
    work = getattr(owner, name)

    def counted(*arguments: Any) -> Any:
        with meter.working(caller()):
            return work(*arguments)

    setattr(owner, name, counted)


@contextmanager
def front_end(*, relaying: bool = False) -> Iterator[FrontEnd]:
    """The front end in this process."""
    os.environ["POSTERN_LISTEN_ADDRESS"] = "127.0.0.1"
    os.environ |= {"POSTERN_SMTP_PORT": "0", "POSTERN_SUBMISSION_PORT": "0", "POSTERN_HEALTH_PORT": "0"}
    os.environ["POSTERN_PROXY_PROTOCOL"] = "true"
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    running = asyncio.run_coroutine_threadsafe(_started(relaying=relaying), loop).result(60)
    yield running
    asyncio.run_coroutine_threadsafe(running.stop(), loop).result(60)


async def _started(*, relaying: bool) -> FrontEnd:
    made = FrontEnd(read_settings(ReceiverSettings), read_settings(RelaySettings) if relaying else None)
    await made.start()
    return made


def send(port: int, raw: bytes, number: int) -> int:
    """Send one message; the code of the reply to DATA. Its id makes it differ from every other."""
    with Sender(number % CLIENTS + 1, port) as session:
        try:
            session.sendmail(f"bob@{SENDER}", RECIPIENT, f"X-Number: {number}\r\n".encode() + raw)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code
    return 250


def measure(send_one: Send, expected: int, messages: list[bytes], site: Site, meter: Meter, log: Path) -> MessageUse:
    """What messages use that are all answered as expected; the first few are sent to warm up."""
    for at, raw in enumerate(messages[:5]):
        send_one(raw, -1 - at)
    wait_until_quiet(meter)
    site.forget()
    wait_until_quiet(meter)
    meter.reset()
    before = _logged(log)
    codes = {send_one(raw, number) for number, raw in enumerate(messages)}
    wait_until_quiet(meter)
    if codes != {expected}:
        raise SystemExit(f"expected {expected} for every message, got {sorted(codes)}")
    used = use(meter, messages, (_logged(log) - before) / len(messages))
    return replace(used, kept_octets={**used.kept_octets, **site.kept(len(messages))})


def measure_sending(messages: list[bytes], site: Site, meter: Meter, directory: Path) -> MessageUse:
    """What a message uses that somebody sends to one recipient elsewhere, until a server there has it."""
    remote = RelayTarget(directory / "remote")
    enable_sending(site.outputs, directory)
    site.prepare_sending(remote.port, meter)
    with front_end(relaying=True) as running:
        port = int(running.submission_port or 0)
        used = measure(
            lambda raw, number: submit(Sender(1, port), raw, number), 250, messages, site, meter, directory / "log"
        )
    given = len(list(remote.folder.iterdir())) - len(messages[:5])
    if given != len(messages):
        raise SystemExit(f"of {len(messages)} messages the other server got {given}")
    return used


def measure_learning(corpus: Path, number: int, site: Site, meter: Meter, log: Path) -> MessageUse:
    """What a message uses that is learnt, from its upload to the snapshot. The queue brings it, not the balancer."""
    mail = labelled(corpus, number, MAX_OCTETS)
    wait_until_quiet(meter)
    meter.reset()
    before = _logged(log)
    teach(site.outputs, mail)
    wait_until_quiet(meter)
    used = use(meter, [one.raw for one in mail], (_logged(log) - before) / len(mail))
    return replace(used, octets=0.0, kept_octets={})


def _logged(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def use(meter: Meter, messages: list[bytes], log_octets: float) -> MessageUse:
    """The counts per message, of whoever works for messages."""
    count = len(messages)
    front_end_calls = Counter({name: number for name, number in meter.calls[FRONT_END].items() if name != POLLING})
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
    return {"decide": len(stages) + 1, "sign_message": len(stages) + 2}.get(service, 0)


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
        with front_end() as running:
            fates[fate.value] = measure(partial(send, running.smtp_port), REPLIES[fate], messages, site, meter, log)
    besides = {
        Besides.OUTGOING.value: measure_sending(messages, site, meter, directory),
        Besides.LEARNT.value: measure_learning(corpus, number, site, meter, log),
    }
    definition = boto3.client("stepfunctions").describe_state_machine(
        stateMachineArn=embedded.outputs["StateMachineArn"]
    )["definition"]
    embedded.stop()
    return {
        "machine": machine(),
        "python": platform.python_version(),
        "checks": list(catalog.CHECKS),
        "packing": to_json(PackingUse(len(definition.encode()), standing(assembly, log), fates, besides)),
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
