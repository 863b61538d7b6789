"""The durability trial of the tests, longer: dying front ends, failing AWS, and every message counted.

python -m bench.durability                               500 letters
python -m bench.durability --letters 5000 --packing check --connections 12 --seed 4
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from postern.workflow import Packing
from tests.e2e.durability import Trial, letters
from tests.e2e.local_service import local_service

SECONDS_PER_LETTER = 2.0


def main() -> int:
    """Run it; 1 when a message was lost, doubled, or delivered although it was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=500)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--packing", type=Packing, choices=list(Packing), default=Packing.STAGE)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pile = letters(options.letters, random.Random(options.seed))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, local_service(Path(directory), options.packing) as service:
        trial = Trial(service, pile, options.connections, SECONDS_PER_LETTER * options.letters)
        trial.run()
    print(trial.report())
    found = list(trial.violations())
    print(f"violations {len(found)}; {time.monotonic() - started:.0f} s", *found, sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
