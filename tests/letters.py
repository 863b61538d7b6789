"""Letters for tests of learning: two invented kinds of mail that differ in words, senders and make."""

from __future__ import annotations

import random

from postern.bayes.examples import Example, example_of
from postern.bayes.features import Features, extract
from postern.bayes.lessons import Lesson, teach
from postern.bayes.requests import Label
from postern.message import Message, parse_message
from postern.text.view import view_text

_HAM = "meeting minutes review garden train ticket report dinner photos kernel patch library weekend invoice".split()
_SPAM = "winner casino pills guarantee cheap offer urgent prize million lottery click refund inheritance loan".split()
_BOTH = "the and for you with this that please thanks today about from have will your our can see new time".split()


def letter(number: int, *, spam: bool) -> bytes:
    """The letter of that number; the same number always gives the same letter."""
    choice = random.Random(f"{number} {spam}")  # noqa: S311 - invents letters, guards nothing
    words = choice.choices(_SPAM if spam else _HAM, k=12) + choice.choices(_BOTH, k=25)
    choice.shuffle(words)
    home, program = ("bulk.test", "Blaster 2") if spam else ("work.test", "Mutt 1.4")
    return (
        f"Received: from mx.{home} (mx.{home} [192.0.2.{number % 200}]) by in.example with ESMTP;"
        f" Mon, 5 Jan 2026 12:00:{number % 60:02d} +0000\r\n"
        f"From: Person {choice.randrange(30)} <p{choice.randrange(30)}@{home}>\r\nTo: ann@in.example\r\n"
        f"Subject: {' '.join(words[:4])}\r\nMessage-ID: <{number}.{spam}@{home}>\r\nX-Mailer: {program}\r\n\r\n"
        f"{' '.join(words)}\r\n"
    ).encode()


def read(raw: bytes) -> tuple[Message, Features]:
    """A message and its features."""
    message = parse_message(raw)
    return message, extract(message, view_text(message))


def learnt(number: int, *, spam: bool, at: int = 0) -> Example:
    """The example that learning a letter keeps."""
    message, features = read(letter(number, spam=spam))
    return example_of(message, features, spam=spam, learnt_at=at)


def learnt_letters(each: int) -> list[Example]:
    """So many letters of each kind."""
    return [learnt(number, spam=spam) for number in range(each) for spam in (False, True)]


def lesson(number: int, *, spam: bool, at: int = 0, source: str = "cli") -> Lesson:
    """The lesson that a letter is."""
    message, features = read(letter(number, spam=spam))
    return teach(message, features, Label.SPAM if spam else Label.HAM, taught_at=at, source=source)


def lessons(each: int) -> list[Lesson]:
    """So many letters of each kind."""
    return [lesson(number, spam=spam) for number in range(each) for spam in (False, True)]
