"""SpamAssassin in the same folds: rules and Bayes, taught by `sa-learn`, asked through its own daemon on loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.accuracy_figures import Labels, Scores

START_SECONDS = 60
ANSWER_SECONDS = 120
CHILDREN = "2"
PROGRAMS = ("spamd", "sa-learn")
DAEMONS_AT = "/usr/sbin"
"""Where Debian puts spamd; not everybody's PATH leads there."""


def is_installed() -> bool:
    """Whether its programs are here."""
    return all(map(_program, PROGRAMS))


def _program(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path=DAEMONS_AT) or ""


def spamassassin_scores(raws: Sequence[bytes], labels: Labels, folds: NDArray[np.int64]) -> Scores:
    """The score of every message by rules and by tokens that did not see its fold."""
    scores = np.zeros(len(raws))
    for fold in range(int(folds.max()) + 1):
        with tempfile.TemporaryDirectory() as place:
            Path(place).chmod(0o755)
            _learn(raws, labels, folds != fold, Path(place))
            with daemon(learning_settings(Path(place))) as (port, _):
                for index in np.flatnonzero(folds == fold).tolist():
                    scores[index] = ask(raws[index], port)
    return scores


def learning_settings(place: Path) -> list[str]:
    """What makes SpamAssassin learn into a place, and judge by it, without learning by itself."""
    # The daemon drops root's rights, and must still read what root has taught.
    files = (f"bayes_path {place}/bayes", "bayes_file_mode 0777", "bayes_learn_to_journal 0")
    wanted = (*files, "bayes_auto_learn 0", "use_bayes 1")
    return [f"--cf={line}" for line in wanted]


def _learn(raws: Sequence[bytes], labels: Labels, chosen: NDArray[np.bool_], place: Path) -> None:
    for label, option in ((True, "--spam"), (False, "--ham")):
        folder = place / option.strip("-")
        folder.mkdir()
        for index in np.flatnonzero(chosen & (labels == label)).tolist():
            (folder / f"{index:05}").write_bytes(raws[index])
        command = [_program("sa-learn"), "-L", "--no-sync", option, *learning_settings(place), str(folder)]
        subprocess.run(command, capture_output=True, check=True, timeout=1200)
    subprocess.run(
        [_program("sa-learn"), "--sync", *learning_settings(place)], capture_output=True, check=True, timeout=300
    )


@contextlib.contextmanager
def daemon(settings: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Run spamd on loopback: its port, and the session that all its processes are in."""
    port = free_port()
    listening = ["-i", "127.0.0.1", "-p", str(port), "--max-children", CHILDREN]
    command = [_program("spamd"), "-L", "-x", *listening, *settings]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as running:
        try:
            wait_for(port)
            yield port, running.pid
        finally:
            running.terminate()
            running.wait(timeout=30)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens there. Raises OSError when nobody does for a minute."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def ask(raw: bytes, port: int) -> float:
    """The score of a message, by one question in the daemon's protocol; its answer has `Spam: True ; 15.0 / 5.0`."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(b"CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(raw) + raw)
        connection.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: connection.recv(65536), b"")).decode("ascii", "replace")
    found = next(line for line in told.splitlines() if line.startswith("Spam:"))
    return float(found.split(";")[1].split("/")[0])
