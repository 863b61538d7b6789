"""bogofilter in the same folds: trained by its own program, asked for its own score."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.accuracy_figures import Labels, Scores


def bogofilter_scores(raws: Sequence[bytes], labels: Labels, folds: NDArray[np.int64]) -> Scores:
    """The spamicity of every message by word lists that did not see its fold."""
    scores = np.zeros(len(raws))
    for fold in range(int(folds.max()) + 1):
        with tempfile.TemporaryDirectory() as place:
            for label, option in ((True, "-s"), (False, "-n")):
                chosen = np.flatnonzero((folds != fold) & (labels == label)).tolist()
                mailbox = b"".join(_entry(raws[index]) for index in chosen)
                _run(["bogofilter", "-M", option, "-d", place], mailbox)
            for index in np.flatnonzero(folds == fold).tolist():
                scores[index] = _spamicity(raws[index], Path(place))
    return scores


def _entry(raw: bytes) -> bytes:
    body = raw if raw.startswith(b"From ") else b"From nobody Thu Jan  1 00:00:00 1970\n" + raw
    return body.replace(b"\nFrom ", b"\n>From ") + b"\n\n"


def _spamicity(raw: bytes, place: Path) -> float:
    told = _run(["bogofilter", "-T", "-d", str(place)], raw).split()
    return float(told[-1])


def _run(command: list[str], stdin: bytes) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=600)
    return done.stdout.decode("ascii", "replace")
