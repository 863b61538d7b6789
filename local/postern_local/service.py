"""The whole service on one machine: what `postern up` runs.

StartError, SynthesisError, AlreadyRunning    why it does not come up; the text is for a person
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from rich.console import Console

from postern.workflow import Packing
from postern_local import function_log, notice_log, synthesis
from postern_local.account import REGION
from postern_local.certificates import LocalCertificate, local_certificate
from postern_local.demonstration import seed
from postern_local.embedded_aws import EmbeddedAws
from postern_local.endpoint import HOST, Endpoint
from postern_local.front_end_process import FrontEndProcess, StartError
from postern_local.name_service import answer_from
from postern_local.relay_target import RelayTarget
from postern_local.report import print_ready, samples_table
from postern_local.samples import read_samples, receipts_of, send_samples, wait_until_delivered
from postern_local.service_file import RunningService, only_one

HOSTNAME = "mx.example.com"
POSTMASTER = "postmaster@example.com"
ZONE = synthesis.ROOT / "events" / "zone.json"
SMTP_PORT = 2525
PROXY_PORT = 2526
MAX_SAID = 2000
RELAYED_FOLDER, REMOTE_FOLDER = "relayed", "remote"
"""What the server of the relayed domain, and the one that stands for all other sites, were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How the service runs. A port of 0 is any that is free; without a zone file the system resolves names."""

    directory: Path = Path(".postern")
    smtp_port: int = SMTP_PORT
    proxy_port: int = PROXY_PORT
    submission_port: int = 0
    submissions_port: int = 0
    endpoint_port: int = 0
    packing: Packing = Packing.CHECK
    zone_file: Path | None = ZONE
    faults: Mapping[str, float] = field(default_factory=dict)
    samples: bool = True
    once: bool = False


def up(options: LocalOptions, console: Console | None = None) -> int:
    """Start everything, send the samples, and stay until SIGINT or SIGTERM (or end at once with `once`).

    The exit code for the shell. Raises `StartError`, `SynthesisError`, `AlreadyRunning`.
    """
    console = console or Console()
    stopping = _stop_on_signals()
    with LocalService(options, console) as service:
        if options.samples:
            service.send_samples()
        print_ready(console, service.running, str(options.directory.resolve()), str(service.certificate.authority))
        if not options.once:
            stopping.wait()
            console.print("Stopping: connections are finished first.", highlight=False)
    return 0


class LocalService:
    """The service as a context: up within, down after."""

    running: RunningService
    certificate: LocalCertificate

    def __init__(self, options: LocalOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._stack = ExitStack()
        self.front_ends: list[FrontEndProcess] = []

    def __enter__(self) -> LocalService:
        """Start everything. Raises `StartError`, `SynthesisError`, `AlreadyRunning`."""
        with self._stack:
            self._start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, the front ends first."""
        self._stack.close()

    def send_samples(self) -> None:
        """Send the samples and print what became of them."""
        outputs = self.running.outputs
        with self._step("Sample messages, by SMTP"):
            sent = send_samples(read_samples(synthesis.ROOT), self.running.proxy_port, receipts_of(outputs))
            wait_until_delivered(outputs)
        self._console.print(samples_table(sent, self._console.width))

    # --- one thing after the other --------------------------------------------------------------------------

    def _start(self) -> None:
        directory = self._options.directory
        self._stack.enter_context(only_one(directory))
        assembly = self._synthesize()
        self._stack.enter_context(synthesis.in_use(assembly))
        aws = self._start_aws(assembly)
        targets = [RelayTarget(directory / folder) for folder in (RELAYED_FOLDER, REMOTE_FOLDER)]
        for target in targets:
            self._stack.callback(target.close)
        self._configure(aws, *targets)
        endpoint = Endpoint(directory / "logs" / "endpoint.log", self._options.endpoint_port, self._options.faults)
        self._stack.callback(endpoint.close)
        self._start_front_ends(aws, endpoint)
        direct, proxied = (one.variables for one in self.front_ends)
        self.running = RunningService(
            pid=os.getpid(),
            endpoint_url=endpoint.url,
            smtp_port=int(direct["POSTERN_SMTP_PORT"]),
            proxy_port=int(proxied["POSTERN_SMTP_PORT"]),
            hostname=HOSTNAME,
            outputs=dict(aws.outputs),
            submission_port=int(direct["POSTERN_SUBMISSION_PORT"]),
            submissions_port=int(direct["POSTERN_SUBMISSIONS_PORT"]),
            submission_proxy_port=int(proxied["POSTERN_SUBMISSION_PORT"]),
        )
        self.running.write(directory)

    def _synthesize(self) -> Path:
        context = {
            "hostname": HOSTNAME,
            "postmaster_email": POSTMASTER,
            "packing": self._options.packing.value,
            "production": "false",
            "vendored_layers": "false",
            "submission": "true",
        }
        assemblies = synthesis.ASSEMBLIES / f"{self._options.packing.value}-local"
        known = synthesis.is_ready(assemblies, context)
        with self._step("Template, as synthesized before" if known else "Template: cdk synth, some ten seconds"):
            return synthesis.synthesize(assemblies, context)

    def _start_aws(self, assembly: Path) -> EmbeddedAws:
        with self._step("Embedded AWS: the template deployed, what was kept restored"):
            function_log.to_files(self._options.directory / "logs")
            notice_log.to_file(self._options.directory / "logs")
            if self._options.zone_file is not None:
                answer_from(self._options.zone_file)
            aws = EmbeddedAws(assembly, self._options.directory)
            aws.start()
            self._stack.callback(aws.stop)
        return aws

    def _configure(self, aws: EmbeddedAws, relayed: RelayTarget, remote: RelayTarget) -> None:
        with self._step("Domains, accounts and policy, compiled; a certificate"):
            seed(aws.outputs, relayed.port, remote.port)
            _compile_policy(aws.outputs["CompilePolicyFunction"])
            self.certificate = local_certificate(self._options.directory / "tls", HOSTNAME)
            secret = {"certificate": self.certificate.certificate, "key": self.certificate.key}
            boto3.client("secretsmanager", region_name=REGION).put_secret_value(
                SecretId=aws.outputs["TlsSecretArn"], SecretString=json.dumps(secret)
            )

    def _start_front_ends(self, aws: EmbeddedAws, endpoint: Endpoint) -> None:
        """Two tasks, as in AWS: one for anybody, one behind a PROXY header for clients with an address of their own."""
        with self._step("Front ends listening"):
            for number, ports in enumerate((self._direct_ports(), self._proxied_ports()), 1):
                name = f"front-end-{number}"
                self.front_ends.append(
                    FrontEndProcess(
                        name,
                        {
                            **aws.container_environment(),
                            **ports,
                        },
                        endpoint.url,
                        _free(0, ""),
                        self._options.directory / "logs" / f"{name}.log",
                        self._options.zone_file,
                    )
                )
            self._stack.callback(self._stop_front_ends)
            for one in self.front_ends:
                one.start()
            for one in self.front_ends:
                one.wait_until_ready()

    def _direct_ports(self) -> dict[str, str]:
        options = self._options
        return {
            "POSTERN_SMTP_PORT": str(_free(options.smtp_port, "smtp-port")),
            "POSTERN_SUBMISSION_PORT": str(_free(options.submission_port, "submission-port")),
            "POSTERN_SUBMISSIONS_PORT": str(_free(options.submissions_port, "submissions-port")),
        }

    def _proxied_ports(self) -> dict[str, str]:
        return {
            "POSTERN_SMTP_PORT": str(_free(self._options.proxy_port, "proxy-port")),
            "POSTERN_SUBMISSION_PORT": str(_free(0, "")),
            "POSTERN_SUBMISSIONS_PORT": str(_free(0, "")),
            "POSTERN_PROXY_PROTOCOL": "true",
        }

    def _stop_front_ends(self) -> None:
        """All at once: each waits for its own connections."""
        for one in self.front_ends:
            one.ask_to_stop()
        for one in self.front_ends:
            one.wait_until_stopped()

    @contextlib.contextmanager
    def _step(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        with self._console.status(text):
            yield
        self._console.print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.1f} s)[/]", highlight=False)


def _compile_policy(function: str) -> None:
    """Have a snapshot before the first message comes. Raises `StartError`."""
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    if "FunctionError" in answer:
        said = answer["Payload"].read(MAX_SAID).decode("utf-8", "replace")
        raise StartError(f"the policy cannot be compiled; logs/functions.log says why: {said}")


def _free(port: int, option: str) -> int:
    """The port if it can be had, or any for 0. Raises `StartError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as taken:
            raise StartError(f"port {port} is taken by another program; choose another with --{option}") from taken
        return int(probe.getsockname()[1])


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
