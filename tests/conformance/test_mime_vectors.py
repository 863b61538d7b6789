"""Messages from other parsers' test suites: all of them parse, and the expectations of the one that has some hold.

The reference is Stalwart's mail-parser, whose JSON is for messages with LF line ends. Where ours differs the tables
below say why; an entry that no longer differs fails its test.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from postern.author import extract_author
from postern.message import Message, Part, parse_message
from postern.mime.bodies import sort_bodies
from postern.mime.dates import parse_date
from postern.mime.identifiers import parse_identifiers
from postern.mime.parameters import parse_structured
from tests.conformance import mime_expectations as reference
from tests.material import vectors

MIME = vectors("mime")
STALWART = MIME / "stalwart-mail-parser"
DOCUMENTS = sorted(STALWART.glob("eml/*/*.json"))
MESSAGES = sorted(path for path in MIME.rglob("*") if path.is_file())

OUTER_BOUNDARY_WINS = "the outer multipart's boundary ends an unfinished inner one, as in CPython and Thunderbird"
WHOLE_LINE_IS_BOUNDARY = "a delimiter is a whole line, so one boundary may begin like another"
BOUNDARY_ENDS_HEADER = "a header section without an empty line ends at a boundary"
FIRST_CONTENT_TYPE = "the first of two Content-Type fields counts"
UUENCODE = "uuencoded content is decoded"
DECODED_AS_FAR_AS_POSSIBLE = "base64 with characters outside the alphabet is decoded, not shown as it stands"
BARE_WORD = "a bare word is an address without a domain, not a display name"

BODIES: dict[str, tuple[tuple[str, ...], str]] = {
    "legacy/017": (("attachments",), UUENCODE),
    "legacy/026": (("attachments",), UUENCODE),
    "legacy/048": (("text_body", "html_body", "attachments"), UUENCODE),
    "malformed/000": (("text_body", "html_body"), BOUNDARY_ENDS_HEADER),
    "malformed/001": (("text_body", "html_body"), WHOLE_LINE_IS_BOUNDARY),
    "malformed/002": (("text_body", "html_body", "attachments"), "a multipart without its boundary is read as text"),
    "malformed/004": (("text_body", "html_body"), WHOLE_LINE_IS_BOUNDARY),
    "malformed/005": (("text_body", "html_body"), "the inner boundary `a----` is the closing delimiter of `a--`"),
    "malformed/007": (("text_body", "html_body"), BOUNDARY_ENDS_HEADER),
    "malformed/009": (("text_body", "html_body"), OUTER_BOUNDARY_WINS),
    "malformed/011": (("text_body", "html_body"), OUTER_BOUNDARY_WINS),
    "malformed/012": (("attachments",), OUTER_BOUNDARY_WINS),
    "malformed/016": (("text_body", "html_body"), WHOLE_LINE_IS_BOUNDARY),
    "malformed/019": (("text_body", "html_body", "attachments"), BOUNDARY_ENDS_HEADER),
    "malformed/020": (("text_body", "html_body"), FIRST_CONTENT_TYPE),
    "malformed/021": (("text_body", "html_body"), FIRST_CONTENT_TYPE),
    "malformed/022": (("attachments",), "a message/rfc822 stays one when its content is no message"),
    "rfc/000": (("text_body", "html_body", "attachments"), DECODED_AS_FAR_AS_POSSIBLE),
    "rfc/001": (("from", "to"), BARE_WORD),
    "rfc/004": (("from", "to"), BARE_WORD),
    "thirdparty/002": (("text_body", "html_body"), DECODED_AS_FAR_AS_POSSIBLE),
    "thirdparty/005": (("text_body", "html_body"), "`invalid--1--` is one line and no delimiter"),
    "thirdparty/015": (("attachments",), OUTER_BOUNDARY_WINS),
}
"""Message → the facts that differ, and why."""

FIELDS: dict[str, tuple[tuple[int, ...], str]] = {
    "malformed/004": ((50, 100), WHOLE_LINE_IS_BOUNDARY),
    "malformed/005": ((110,), "the inner boundary `a----` is the closing delimiter of `a--`"),
    "malformed/016": ((853, 966), WHOLE_LINE_IS_BOUNDARY),
    "rfc/001": ((0, 15), BARE_WORD),
    "rfc/004": ((0, 24, 418, 545), BARE_WORD),
    "rfc/008": ((0, 45, 77, 97, 142, 181, 200, 292, 409, 465, 576, 616), "the message is inside one that is base64"),
    "thirdparty/010": ((60,), "the first of two parameters of one name counts"),
    "thirdparty/015": ((17579, 17655, 17777, 19097), OUTER_BOUNDARY_WINS),
}
"""Message → the offsets of the fields that differ, and why."""

CASES: dict[tuple[str, int], str] = {
    ("address", 9): "a quoted pair across a fold: the fold goes first, so the blank is quoted, not the parenthesis",
    ("address", 13): "the route is left out and the blanks of obsolete syntax with it",
    ("address", 14): "blanks within a domain are obsolete syntax and left out",
    ("unstructured", 21): "no blank is put between text and an encoded word beside it",
    ("unstructured", 22): "an empty encoded word is nothing, not a blank",
    ("unstructured", 27): "no blank is put between text and an encoded word beside it",
    ("unstructured", 28): "no blank is put between text and an encoded word beside it",
    ("content_type", 31): "only the first section names the charset (RFC 2231 §4.1)",
    ("content_type", 34): "blanks between encoded words vanish in quotes too",
    ("content_type", 61): "asterisks beyond RFC 2231 belong to no name",
    ("date", 12): "numbers alone are no date",
    ("received", 28): "the whole identifier",
    ("received", 29): "the whole identifier",
    ("received", 30): "the whole identifier",
    ("received", 123): "the first `by` counts",
    ("received", 125): "the whole word",
    ("received", 153): "what stands in the brackets, though it is no address",
    ("received", 165): "`from` within a comment is no clause",
    ("received", 171): "`from` within a comment is no clause",
}
"""Field case → why ours differs."""


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _message(document: Path) -> Message:
    return parse_message(document.with_suffix(".eml").read_bytes().replace(b"\r", b""))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.relative_to(MIME).as_posix())
def test_every_file_parses(path: Path) -> None:
    message = parse_message(path.read_bytes())
    for part in message.parts():
        assert part.offset <= part.body_offset <= part.end <= len(part.source)
        part.text().encode()
        assert all(name.encode() for name in part.filenames)
    message.every_defect()
    extract_author(message)
    sort_bodies(message.root)
    assert all("\n" not in field.value for field in message.header_fields)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_subject_addresses_bodies_and_attachments(document: Path) -> None:
    expected = reference.expected_facts(json.loads(document.read_text()))
    found = reference.found_facts(_message(document), expected["damaged"])
    differing = tuple(name for name in reference.FACTS if not reference.agree(expected[name], found[name]))
    assert differing == BODIES.get(_name(document), ((), ""))[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_header_field_of_every_part(document: Path) -> None:
    message = _message(document)
    ours = {one.offset: one for part in message.parts() if part.source is message.raw for one in part.header_fields}
    differing = []
    for expected in reference.expected_fields(json.loads(document.read_text())):
        found = ours.get(expected["offset_field"])
        if found is None or not reference.agree(*reference.field_pair(expected, found)):
            differing.append(expected["offset_field"])
    assert tuple(differing) == FIELDS.get(_name(document), ((), ""))[0]


def test_at_least_95_percent_of_all_expectations_hold() -> None:
    documents = [json.loads(document.read_text()) for document in DOCUMENTS]
    fields = sum(1 for document in documents for _ in reference.expected_fields(document))
    cases = sum(len(json.loads(path.read_text())) for path in STALWART.glob("*.json"))
    different = sum(len(names) for names, _ in (*BODIES.values(), *FIELDS.values())) + len(CASES)
    assert different / (len(documents) * len(reference.FACTS) + fields + cases) < 0.05


def _cases(name: str) -> list[Any]:
    cases = json.loads((STALWART / f"{name}.json").read_text())
    return [pytest.param(name, index, case, id=f"{name}-{index}") for index, case in enumerate(cases)]


def _case_pair(name: str, header: str, expected: Any) -> tuple[Any, Any]:
    field = reference.field_of(header)
    match name:
        case "address":
            return reference.expected_groups(expected), reference.found_groups(field.unfolded)
        case "content_type":
            value = parse_structured(field.raw_value.decode())
            return reference.expected_structured(expected), reference.found_structured(value)
        case "date":
            return reference.expected_moment(expected), parse_date(field.raw_value.decode())
        case "id":
            return expected or [], list(parse_identifiers(field.unfolded))
        case "list":
            return expected, [item.strip() for item in field.value.split(",") if item.strip()]
        case "received":
            return reference.expected_trace(expected), reference.found_trace(field.unfolded)
        case _:
            return expected, field.value


@pytest.mark.parametrize(
    ("name", "index", "case"),
    [case for path in sorted(STALWART.glob("*.json")) for case in _cases(path.stem)],
)
def test_field_cases(name: str, index: int, case: dict[str, Any]) -> None:
    expected, found = _case_pair(name, case["header"], case["expected"])
    assert reference.agree(expected, found) != ((name, index) in CASES)


def test_torture_message_has_the_tree_of_the_reference() -> None:
    """WildDuck's tree for Ryan Finnie's torture test; its line counts count the pieces between line ends."""
    raw = (MIME / "torture" / "mimetorture.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    expected = json.loads((MIME / "torture" / "mimetorture.json").read_text())
    root = parse_message(raw).root
    assert _tree(root) == _reference_tree(expected)


def _tree(part: Part) -> list[Any]:
    if part.is_message and part.children:
        return [part.content_type, _tree(part.children[0])]
    if part.is_multipart:
        return [part.content_type, [_tree(child) for child in part.children]]
    return [part.content_type, part.size, part.raw_body.count(b"\n") + 1]


def _reference_tree(node: dict[str, Any]) -> list[Any]:
    content_type = node["parsedHeader"]["content-type"]["value"]
    if "message" in node:
        return [content_type, _reference_tree(node["message"])]
    if node.get("childNodes"):
        return [content_type, [_reference_tree(child) for child in node["childNodes"]]]
    return [content_type, node["size"], node["lineCount"]]
