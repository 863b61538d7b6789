"""The benchmarks of docs/benchmarks.md, one after the other: `python -m bench`. It takes half an hour."""

from __future__ import annotations

import subprocess
import sys

RUNS = (
    ("bench.receiver",),
    ("bench.imports",),
    ("bench.scan",),
    ("bench.engine",),
    ("bench.service",),
    ("bench.service", "--packing", "stage"),
    ("bench.corpus_smtp",),
    ("bench.durability",),
    ("postern_cli", "cost"),
)


def main() -> int:
    """Run them all; the number of those that failed."""
    failed = 0
    for module, *arguments in RUNS:
        print(f"\n== python -m {' '.join((module, *arguments))}", flush=True)
        failed += subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
