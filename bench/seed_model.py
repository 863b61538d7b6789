"""Make the seed model that a new site starts with.

    python -m bench.seed_model CORPUS             an archive or directory with folders ham and spam
    python -m bench.seed_model CORPUS --out FILE

The result holds hashed counts and weights only, no text; docs/learning.md says what may be trained from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.labelled_mail import LabelledMail, read_labelled
from postern.bayes import seed
from postern.bayes.codec import dump_model
from postern.bayes.examples import Example, example_of
from postern.bayes.features import extract
from postern.bayes.training import train
from postern.message import parse_message
from postern.text.view import view_text

DEFAULT = Path(seed.__file__).parent / seed.FILE
MAX_SIZE = 1_500_000


def example(mail: LabelledMail) -> Example:
    """What learning this message keeps."""
    message = parse_message(mail.raw)
    return example_of(message, extract(message, view_text(message)), spam=mail.spam, learnt_at=0)


def main() -> None:
    """Train, check the size, write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("corpus", type=Path)
    arguments.add_argument("--out", type=Path, default=DEFAULT)
    given = arguments.parse_args()
    known = {one.digest: one for one in map(example, read_labelled(given.corpus))}
    octets = dump_model(train([known[digest] for digest in sorted(known)]))
    assert len(octets) <= MAX_SIZE, f"{len(octets)} octets are more than a repository should carry"
    given.out.write_bytes(octets)
    spams = sum(one.spam for one in known.values())
    print(f"{given.out}: {len(octets)} octets from {len(known) - spams} ham and {spams} spam messages")


if __name__ == "__main__":
    main()
