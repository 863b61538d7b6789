"""CPU time per message of spamd and rspamd beside our own scan, over the same messages in one run.

    python -m bench.engine_peers [CORPUS.tar.gz [EVERY]]

What is not installed is named and left out. Nobody asks the network: SpamAssassin runs its local tests, rspamd has
those modules switched off that would ask. Times of the daemons are those of all their processes, from /proc; ours of
this one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import spamassassin
from bench.engine import CORPUS, messages
from postern.bayes.seed import seed_model
from postern.checks.bayes import judge_by
from postern.checks.rules import shipped_files
from postern.message import parse_message
from postern.rules.engine import CompiledRules, compile_rules
from postern.rules.parser import read_rules
from postern.rules.plan import build_database
from tests.conformance.spamassassin_rules import rule_files, rules_folder

TICKS = os.sysconf("SC_CLK_TCK")
ASKS_THE_NETWORK = ("rbl", "surbl", "dkim", "spf", "dmarc", "arc", "asn", "fuzzy_check", "mx_check", "url_redirector")
"""Modules of rspamd."""


def session_seconds(session: int) -> float:
    """The CPU seconds that all processes of a session have used so far, and their ended children."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            used += sum(map(int, fields[11:15])) if int(fields[3]) == session else 0
    return used / TICKS


def daemon_milliseconds(raws: Sequence[bytes], session: int, ask: Callable[[bytes], object]) -> float:
    """CPU milliseconds per message, after one round to warm up."""
    for raw in raws:
        ask(raw)
    before = session_seconds(session)
    for raw in raws:
        ask(raw)
    return (session_seconds(session) - before) * 1000 / len(raws)


def own_milliseconds(raws: Sequence[bytes], rules: CompiledRules) -> float:
    """CPU milliseconds per message of parsing, texts, rules and classifiers."""

    def scan(raw: bytes) -> None:
        message = parse_message(raw)
        rules.evaluate(message)
        judge_by(seed_model(), message)

    for raw in raws:
        scan(raw)
    before = time.process_time()
    for raw in raws:
        scan(raw)
    return (time.process_time() - before) * 1000 / len(raws)


@contextlib.contextmanager
def rspamd() -> Iterator[tuple[int, int]]:
    """Run rspamd's scanner on loopback, with a place of its own: its port and session."""
    port = spamassassin.free_port()
    with tempfile.TemporaryDirectory() as place:
        local = Path(place) / "local.d"
        local.mkdir()
        Path(place).chmod(0o755)
        (local / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{port}";\ncount = 1;\n')
        for worker in ("worker-controller.inc", "worker-proxy.inc", "worker-fuzzy.inc"):
            (local / worker).write_text("enabled = false;\n")
        for module in ASKS_THE_NETWORK:
            (local / f"{module}.conf").write_text("enabled = false;\n")
        state = Path(place) / "state"
        state.mkdir()
        state.chmod(0o777)
        variables = [f"--var={name}={state}" for name in ("DBDIR", "RUNDIR", "LOGDIR")]
        command = ["rspamd", "-f", "-i", *variables, f"--var=LOCAL_CONFDIR={place}"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as running:
            try:
                spamassassin.wait_for(port)
                yield port, running.pid
            finally:
                running.terminate()
                running.wait(timeout=30)


def ask_rspamd(raw: bytes, port: int) -> bytes:
    """The answer of rspamd about a message."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/checkv2", data=raw, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        return bytes(answer.read())


def compiled(files: list[tuple[str, str]]) -> CompiledRules:
    """Rules with their database."""
    book = read_rules(files)
    return compile_rules(book, database=build_database(book))


def main() -> None:
    """Measure what there is, one after the other."""
    corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    raws = messages(corpus, int(sys.argv[2]) if len(sys.argv) > 2 else 15)
    found = {"ours, shipped rules": own_milliseconds(raws, compiled(shipped_files()))}
    folder = rules_folder()
    if folder is not None:
        found["ours, stock rules"] = own_milliseconds(raws, compiled(rule_files(folder)))
    if spamassassin.is_installed():
        with spamassassin.daemon(["--cf=use_bayes 0"]) as (port, session):
            found["spamd"] = daemon_milliseconds(raws, session, lambda raw: spamassassin.ask(raw, port))
    if shutil.which("rspamd"):
        with rspamd() as (port, session):
            found["rspamd"] = daemon_milliseconds(raws, session, lambda raw: ask_rspamd(raw, port))
    print(f"{len(raws)} messages, {sum(map(len, raws)) / len(raws) / 1000:.1f} kB on average; CPU ms per message")
    ours = found["ours, shipped rules"]
    for name, milliseconds in found.items():
        print(f"  {name:22} {milliseconds:8.2f}   {milliseconds / ours:6.1f} times ours")
    for name, there in (("spamd", spamassassin.is_installed()), ("rspamd", bool(shutil.which("rspamd")))):
        if not there:
            print(f"  {name} is not installed")


if __name__ == "__main__":
    main()
