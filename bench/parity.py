"""How far our evaluation of SpamAssassin's stock rules agrees with SpamAssassin's own, rule by rule.

    python -m bench.parity ORACLE.json.gz CORPUS.tar.gz [EVERY]

SPAMASSASSIN_RULES names the folder with the rule files, unless the package is installed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from postern.message import parse_message
from postern.rules.engine import compile_rules
from postern.rules.parser import read_rules
from postern.rules.plan import build_database
from postern.rules.scanner import scanner_is_available
from tests.conformance.spamassassin_rules import oracle_cases, rule_files, rules_folder

REASONS = {
    "__GB_CUSTOM_HTM_URI2": "the captured recipient is filled in as documented; SpamAssassin 4.0.1 does not find it",
    "GB_CUSTOM_HTM_URI": "follows __GB_CUSTOM_HTM_URI2",
    "__HAS_ANY_EMAIL": "8-bit text without a charset is guessed differently",
    "__FROM_NEEDS_MIME": "an unencoded name in 8-bit characters is read as text first",
    "__HAS_ANY_URI": "a URI in unlabelled 8-bit text",
    "HTML_IMAGE_ONLY_24": "HTML::Parser and the HTML standard part broken markup differently",
    "HTML_IMAGE_ONLY_20": "HTML::Parser and the HTML standard part broken markup differently",
    "__ONE_IMG": "the image is cut off",
    "__JPEG_ATTACH_1": "the image is cut off",
}
"""Why a rule differs, where it is known and stays so."""


def main(oracle: str, corpus: str, every: str = "1") -> None:
    """Print the shares, the time, and the rules that differ."""
    folder = rules_folder()
    assert folder is not None, "SpamAssassin's rule files are not here"
    book = read_rules(rule_files(folder))
    rules = compile_rules(book, database=build_database(book) if scanner_is_available() else None)
    counts: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    started = time.process_time()
    for case in oracle_cases(Path(oracle), Path(corpus), int(every)):
        found = rules.evaluate(parse_message(case.message))
        visible = frozenset(hit.name for hit in found.hits)
        names = visible | frozenset(found.sub_rules)
        counts["messages"] += 1
        counts["all"] += len(names | case.hits)
        counts["all agree"] += len(names & case.hits)
        counts["visible"] += len(visible | case.visible)
        counts["visible agree"] += len(visible & case.visible)
        counts["eval-free"] += len(case.eval_free)
        counts["eval-free agree"] += len(case.eval_free & names)
        missing.update(case.hits - names)
        extra.update(names - case.hits)
    milliseconds = (time.process_time() - started) / counts["messages"] * 1000
    for what in ("eval-free", "visible", "all"):
        print(f"{what:10} {counts[what + ' agree'] / counts[what]:8.3%} of {counts[what]:,}")
    print(f"{counts['messages']:,} messages, {milliseconds:.1f} ms CPU each")
    for title, differing in (("not found here", missing), ("found here only", extra)):
        print(f"\n{title}:")
        for name, count in differing.most_common():
            print(f"{count:6} {name:32} {REASONS.get(name, '')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
