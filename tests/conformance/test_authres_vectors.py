"""Authentication-Results as other implementations' tests write it: MimeKit's inputs and the doctest of authres."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest

from postern.authres.reading import AuthenticationResults, read_results
from tests.material import vectors

MIMEKIT = json.loads(vectors("authres", "mimekit-inputs.json").read_text("utf-8"))["cases"]
AUTHRES = vectors("authres", "authres-1.2.0-doctest.txt").read_text("utf-8").splitlines()

PARSED = re.compile(r">>> (?:try: )?(\w+) = .*\.parse\('([^']*)'\)")
CREATED = re.compile(r">>> (\w+) = ")
ASKED = re.compile(
    r">>> str\((\w+)\.(?:(authserv_id)"
    r"|results\[(\d)\]\.(?:(method|result|reason)|properties\[(\d)\]\.(type|name|value)))\)"
)


def test_the_suites_are_complete() -> None:
    assert (len(MIMEKIT), sum(case["must_fail"] for case in MIMEKIT)) == (82, 61)
    assert len(list(doctest_answers())) >= 100


@pytest.mark.parametrize("case", MIMEKIT, ids=lambda case: case["test"])
def test_mimekit(case: dict[str, str | bool]) -> None:
    assert (read_results(str(case["input"])) is None) is case["must_fail"]


def doctest_answers() -> Iterator[tuple[int, str, re.Match[str], str]]:
    """Line number, the field's value, what is asked of it, and the answer, for all that our model has as well."""
    known: dict[str, str] = {}
    for number, line in enumerate(AUTHRES):
        if parsed := PARSED.match(line.removeprefix("... ").strip()):
            known[parsed[1]] = parsed[2].partition(":")[2]
        elif created := CREATED.match(line):
            known.pop(created[1], None)
        elif (asked := ASKED.match(line)) and asked[1] in known:
            yield number + 1, known[asked[1]], asked, ast.literal_eval(AUTHRES[number + 1])


def our_answer(read: AuthenticationResults, asked: re.Match[str]) -> str:
    """Our value in the doctest's words."""
    _, identifier, index, attribute, property_index, part = asked.groups()
    if identifier:
        return read.authserv_id
    result = read.results[int(index)]
    if attribute:
        return str(getattr(result, attribute)) or "None"
    one = result.properties[int(property_index)]
    return {"type": one.ptype.lower(), "name": one.name.lower(), "value": one.value}[part]


@pytest.mark.parametrize(("line", "value", "asked", "expected"), list(doctest_answers()))
def test_authres(line: int, value: str, asked: re.Match[str], expected: str) -> None:
    read = read_results(value)
    assert read is not None, line
    assert our_answer(read, asked) == expected
