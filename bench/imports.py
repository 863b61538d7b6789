"""How long each function takes to load, in a fresh process each time: `python -m bench.imports`.

What counts is the time to a handler that can be called, as Lambda's cold start does it; the interpreter's own start
is taken off. Each check is loaded as its own Lambda would be (`POSTERN_CHECKS`), without and with what it needs
of AWS.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from postern import catalog
from postern_aws.settings import CommonSettings, variables

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
RUNS = 7
AIM_MILLISECONDS = 250
_LOAD = "import runpy, sys; runpy.run_path(sys.argv[1])"
_EMPTY = "import runpy"
_ANY = {
    "_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:any",
    "_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/any",
    "_HOSTNAME": "mx.example.com",
    "_BUCKET": "any-bucket",
    "_TABLE": "AnyTable",
}
_AWS = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    **{
        name: value
        for kind in CommonSettings.__subclasses__()
        for name in variables(kind)
        for ending, value in _ANY.items()
        if name.endswith(ending)
    },
}
"""What deployed functions find in their environment: every store there may be; nothing is asked of them here."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is loaded: a function's handler, with these variables."""

    name: str
    function: str
    environment: dict[str, str] = field(default_factory=dict)


def subjects() -> list[Subject]:
    """Every function, and every check by itself."""
    folders = sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py"))
    functions = [Subject(name, name, _AWS if name != "run_checks" else {}) for name in folders]
    checks = [Subject(f"run_checks: {one}", "run_checks", {"POSTERN_CHECKS": one}) for one in catalog.CHECKS]
    every = Subject("run_checks: all", "run_checks", {"POSTERN_CHECKS": ",".join(catalog.CHECKS)})
    with_aws = [
        Subject(f"{subject.name}, with its clients", subject.function, {**subject.environment, **_AWS})
        for subject in (*checks, every)
    ]
    return [*functions, *checks, every, *with_aws]


def milliseconds(program: str, subject: Subject | None = None) -> float:
    """The median processor time of fresh processes, in milliseconds."""
    arguments = [str(FUNCTIONS / subject.function / "handler.py")] if subject else []
    environment = {"PATH": os.environ["PATH"], **(subject.environment if subject else {})}
    times = []
    for _ in range(RUNS):
        before = _children_seconds()
        subprocess.run([sys.executable, "-c", program, *arguments], env=environment, check=True)
        times.append((_children_seconds() - before) * 1000)
    return statistics.median(times)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    interpreter = milliseconds(_EMPTY)
    print(f"Processor milliseconds to load a handler, median of {RUNS}; aim without clients: {AIM_MILLISECONDS}")
    for subject in subjects():
        spent = milliseconds(_LOAD, subject) - interpreter
        print(f"{spent:8.0f}  {subject.name}")


if __name__ == "__main__":
    main()
