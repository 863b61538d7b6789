"""Coverage-guided fuzzing of what reads strangers' octets: message parser and text view, rule compiler, rule engine.

    pip install atheris        # has no wheels for every platform and version, so the project does not require it
    python -m bench.fuzz parser FOLDER [OPTION OF LIBFUZZER…]
    python -m bench.fuzz compiler FOLDER -max_total_time=1200
    python -m bench.fuzz engine FOLDER

FOLDER keeps the inputs that reached something new, and is where to put seeds; `--seed` fills it from the vectors and
the rule files, and ends. An escape is an exception, or an input that takes more than TOO_LONG seconds: libFuzzer writes
it to a file `crash-…` or `timeout-…` in the working directory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from tests.conformance.spamassassin_rules import rule_files, rules_folder
from tests.material import SHARED

TOO_LONG = 10
MAX_OCTETS = 16_384
MAX_SEEDS = 3_000
BETWEEN = b"\0\n"
"""Parts rules from a message in the inputs of the engine."""

OPTIONS = (f"-timeout={TOO_LONG}", f"-max_len={MAX_OCTETS}", "-rss_limit_mb=2048", "-print_final_stats=1")
SHIPPED = resources.files("postern.rules") / "shipped"


def parser() -> Callable[[bytes], None]:
    """Take a message apart, and look at everything that is worked out of it."""
    parse_message: Any = import_module("postern.message").parse_message
    view_text: Any = import_module("postern.text.view").view_text
    extract_author: Any = import_module("postern.author").extract_author

    def read(data: bytes) -> None:
        message = parse_message(data)
        view_text(message)
        extract_author(message)
        for part in message.text_parts:
            part.text()
        for one in message.header_fields:
            _ = one.value

    return read


def compiler() -> Callable[[bytes], None]:
    """Read rule files, plan them, and compile every pattern."""
    read_rules: Any = import_module("postern.rules.parser").read_rules
    plan: Any = import_module("postern.rules.plan")

    def compile_all(data: bytes) -> None:
        book = read_rules([("fuzz.cf", data.decode("utf-8", "surrogateescape"))])
        made = plan.make_plan(book)
        plan.pattern_problems(made.book)

    return compile_all


def engine() -> Callable[[bytes], None]:
    """Evaluate rules on a message: those of the input and the shipped ones, by turns with SpamAssassin's if here."""
    parse_message: Any = import_module("postern.message").parse_message
    read_rules: Any = import_module("postern.rules.parser").read_rules
    compile_rules: Any = import_module("postern.rules.engine").compile_rules
    shipped = compile_rules(read_rules(_shipped()))
    folder = rules_folder()
    stock = compile_rules(read_rules(rule_files(folder))) if folder else shipped
    for rules in (shipped, stock):
        rules.evaluate(parse_message(b"\r\n"))  # what is made at first use does not count as time

    def evaluate(data: bytes) -> None:
        text, found, raw = data.partition(BETWEEN)
        if not found:
            (stock if len(data) % 2 else shipped).evaluate(parse_message(data))
            return
        compile_rules(read_rules([("fuzz.cf", text.decode("utf-8", "surrogateescape"))])).evaluate(parse_message(raw))

    return evaluate


TARGETS: dict[str, Callable[[], Callable[[bytes], None]]] = {"parser": parser, "compiler": compiler, "engine": engine}


def seeds(target: str) -> Iterator[bytes]:
    """Inputs to begin with, none longer than an input may be."""
    messages = (path.read_bytes() for path in sorted((SHARED / "vectors").rglob("*.eml")))
    rules = [text.encode("utf-8", "surrogateescape") for text in _rule_texts()]
    if target == "compiler":
        yield from rules
        return
    for number, message in enumerate(messages):
        yield message[:MAX_OCTETS]
        if target == "engine":
            some = rules[number % len(rules)]
            yield some[: MAX_OCTETS // 4] + BETWEEN + message[: MAX_OCTETS // 2]


def _rule_texts() -> Iterator[str]:
    """Rule files in pieces that an input has room for."""
    folder = rules_folder()
    for _, text in [*_shipped(), *(rule_files(folder) if folder else [])]:
        lines = text.split("\n")
        for first in range(0, len(lines), 40):
            yield "\n".join(lines[first : first + 40])[:MAX_OCTETS]


def _shipped() -> list[tuple[str, str]]:
    return [(item.name, item.read_text("utf-8")) for item in SHIPPED.iterdir() if item.name.endswith(".cf")]


def sow(target: str, folder: Path) -> int:
    """Write the seeds of a target into a folder; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, seed in enumerate(seeds(target), 1):
        (folder / f"seed-{count:05}").write_bytes(seed)
        if count >= MAX_SEEDS:
            break
    return count


def main(arguments: list[str]) -> None:
    """Fuzz one target until its time is over or something escapes."""
    target, folder, *options = arguments
    if "--seed" in options:
        sys.stdout.write(f"{sow(target, Path(folder))} seeds\n")
        return
    try:
        atheris: Any = import_module("atheris")
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris")
    with atheris.instrument_imports(include=["postern"]):
        run = TARGETS[target]()
    atheris.Setup([sys.argv[0], *OPTIONS, *options, folder], run)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    main(sys.argv[1:])
