"""How well the learning part tells spam from ham: cross-validated on labelled mail.

    python -m bench.accuracy                              ../shared/corpora/spamassassin-dev.tar.gz
    python -m bench.accuracy CORPUS --folds 10 --roc docs/pictures/roc.svg
    python -m bench.accuracy --json                       the same numbers for docs/benchmarks.md

What decides in the end is the score: the shipped rules' points and those of what was learnt together, as a site's own
model gives them, and as the seed model gives them to mail that it knows ("the score"). Beside it the classifiers alone.

Four ways of judging: folds drawn at random; near-duplicates kept in one fold; both also without what gives an old
corpus away (dates, also in Received, and list managers' fields). Everything that is fitted, calibration too, is fitted
on the other folds. The seed model takes no part: it was trained on this corpus. The same for bogofilter, if it is
installed, in the same folds; with --peers for SpamAssassin too, in random folds, which takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import spamassassin
from bench.accuracy_figures import Errors, Figures, Labels, Scores, curve, errors, figures
from bench.bogofilter import bogofilter_scores
from bench.labelled_mail import LabelledMail, read_labelled, without_give_aways
from bench.near_duplicates import duplicate_groups
from bench.roc_picture import draw
from postern.bayes.combine import State
from postern.bayes.examples import Example, example_of
from postern.bayes.features import extract
from postern.bayes.model import classify
from postern.bayes.points import points
from postern.bayes.seed_trust import seed_trust
from postern.bayes.training import train
from postern.checks import rules
from postern.contract import Required
from postern.message import Message, parse_message
from postern.model import MessageReference, Site, Transaction
from postern.text.view import view_text

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "spamassassin-dev.tar.gz"
SCORES = ("the score", "the score, by the seed")
CLASSIFIERS = ("all together", "Fisher (Bayes)", "regression, tokens", "regression, trigrams")
Folds = NDArray[np.int64]

RANDOM = "random folds"
SPAM_AT = 5.0
"""The threshold as shipped."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One classifier under one way of judging; `errors` only where a threshold is shipped."""

    way: str
    classifier: str
    figures: Figures
    errors: Errors | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A message to be judged: itself, what learning it keeps, and its rules' points in hundredths."""

    message: Message
    example: Example
    by_rules: int


def subject_of(mail: LabelledMail) -> Subject:
    """Read a message."""
    message = parse_message(mail.raw)
    example = example_of(message, extract(message, view_text(message)), spam=mail.spam, learnt_at=0)
    return Subject(message, example, rules_points(message))


def held_out(subjects: Sequence[Subject], folds: Folds) -> tuple[Scores, Labels]:
    """Every message's scores, and whether the classifiers call it spam, by models that did not see its fold."""
    scores = np.zeros((len(subjects), len(SCORES) + len(CLASSIFIERS)))
    called = np.zeros(len(subjects), dtype=np.bool_)
    for fold in range(int(folds.max()) + 1):
        model = train([one.example for one, place in zip(subjects, folds, strict=True) if place != fold])
        for index in np.flatnonzero(folds == fold).tolist():
            one = subjects[index]
            judgement = classify(model, one.example.features)
            odds, trust = judgement.scores[0], seed_trust(model.tokens, one.example.features, one.message)
            learnt = (points(odds), points(odds, trust))
            scores[index] = (*((one.by_rules + each) / 100 for each in learnt), *judgement.scores)
            called[index] = judgement.state is State.SPAM
    return scores, called


def rules_points(message: Message) -> int:
    """The points of the shipped rules, in hundredths."""
    nobody = Transaction("bench", _EPOCH, _EPOCH, None, None, (), MessageReference("", 0, ""), Site("bench", "bench"))
    found = rules.evaluate(nobody, policy=rules.RulesPolicy(), required=Required({}), message=message)
    return sum(finding.score or 0 for finding in found.findings)


def draw_folds(groups: Sequence[int], count: int, seed: int) -> Folds:
    """A fold for every message; messages of one group share theirs."""
    distinct = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(distinct)) % count
    fold = dict(zip(distinct, order.tolist(), strict=True))
    return np.array([fold[group] for group in groups])


class Judge:
    """One corpus, judged in several ways."""

    def __init__(self, mails: Sequence[LabelledMail], count: int, seed: int, *, peers: bool) -> None:
        self.mails, self.count, self.seed, self.peers = mails, count, seed, peers
        self.labels = np.array([mail.spam for mail in mails])
        self.newsletters = np.array([mail.newsletter for mail in mails])
        self.rows: list[Row] = []
        self.curves: dict[str, Sequence[tuple[float, float]]] = {}

    def judge(self, way: str, subjects: Sequence[Subject], groups: Sequence[int]) -> None:
        """One way of judging: a row for every classifier."""
        folds = draw_folds(groups, self.count, self.seed)
        scores, called = held_out(subjects, folds)
        answers = [*(scores[:, column] >= SPAM_AT for column, _ in enumerate(SCORES)), called]
        for column, name in enumerate((*SCORES, *CLASSIFIERS)):
            found = errors(answers[column], self.labels, self.newsletters) if column < len(answers) else None
            self.rows.append(Row(way, name, figures(scores[:, column], self.labels), found))
        self.curves[way] = curve(scores[:, 0], self.labels)
        if not way.endswith("give-aways"):
            self._judge_peers(way, folds)

    def _judge_peers(self, way: str, folds: Folds) -> None:
        """Rows of those other filters that are installed, on the same folds."""
        raws = [mail.raw for mail in self.mails]
        if shutil.which("bogofilter"):
            scores = bogofilter_scores(raws, self.labels, folds)
            self.rows.append(Row(way, "bogofilter", figures(scores, self.labels)))
        if self.peers and way == RANDOM and spamassassin.is_installed():
            scores = spamassassin.spamassassin_scores(raws, self.labels, folds)
            found = errors(scores >= SPAM_AT, self.labels, self.newsletters)
            self.rows.append(Row(way, "SpamAssassin, rules and Bayes", figures(scores, self.labels), found))


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; percentages."""
    lines = [
        "| judged | classifier | 1−ROCA | recall at 0 FP | at 0.1 % | at 1 % | FP | FN | newsletter FP |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        some = row.figures
        cells = [f"{some.area_above:.4f}", *(f"{value:.1f}" for value in list(asdict(some).values())[1:])]
        lines.append(f"| {row.way} | {row.classifier} | {' | '.join(cells)} | {_error_cells(row.errors)} |")
    return "\n".join(lines)


def _error_cells(found: Errors | None) -> str:
    if found is None:
        return "– | – | –"
    return (
        f"{found.false_positives / found.hams:.2%} ({found.false_positives}) | "
        f"{found.missed / found.spams:.2%} ({found.missed}) | "
        f"{found.newsletter_false_positives} of {found.newsletters}"
    )


def timed(name: str, work: Callable[[], list[Subject]]) -> list[Subject]:
    """Do the work and say how much processor time a message took."""
    started = time.process_time()
    done = work()
    print(f"{name}: {(time.process_time() - started) / len(done) * 1000:.2f} CPU ms per message")
    return done


def main() -> None:
    """Judge, print, draw."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("corpus", type=Path, nargs="?", default=CORPUS)
    arguments.add_argument("--folds", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--roc", type=Path)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--peers", action="store_true", help="judge by SpamAssassin too, where it is installed")
    given = arguments.parse_args()
    mails = read_labelled(given.corpus)
    whole = timed("parse, text, rules and features", lambda: [subject_of(mail) for mail in mails])
    bare = [subject_of(LabelledMail(mail.name, mail.spam, without_give_aways(mail.raw))) for mail in mails]
    alone, alike = list(range(len(mails))), duplicate_groups([one.example.features.content for one in whole])
    judge = Judge(mails, given.folds, given.seed, peers=given.peers)
    judge.judge(RANDOM, whole, alone)
    judge.judge("near-duplicates together", whole, alike)
    judge.judge("random folds, without give-aways", bare, alone)
    judge.judge("near-duplicates together, without give-aways", bare, alike)
    print(json.dumps([asdict(row) for row in judge.rows], indent=1) if given.json else table(judge.rows))
    if given.roc:
        given.roc.parent.mkdir(parents=True, exist_ok=True)
        given.roc.write_text(draw("Learning part, cross-validated", judge.curves), encoding="utf-8")


if __name__ == "__main__":
    main()
