"""Signature fields fit on their lines and read back as they were written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postern.dkim.layout import MARGIN, lay_out, lay_out_signature
from postern.dkim.tags import read_tag_list, without_blanks

NAMES = st.sampled_from(["From", "To", "Subject", "List-Unsubscribe-Post", "X"])


@given(
    names=st.lists(NAMES, min_size=1, max_size=60),
    copies=st.text(alphabet="abc=20:|", max_size=300),
    signature=st.text(alphabet="AZaz09+/", min_size=1, max_size=700),
    margin=st.sampled_from([0, 40, MARGIN]),
)
def test_tags_read_back_and_lines_are_short(names: list[str], copies: str, signature: str, margin: int) -> None:
    tags = [("v", "1"), ("a", "rsa-sha256"), ("h", ":".join(names)), ("z", copies)]
    value = lay_out("DKIM-Signature", tags, margin) + lay_out_signature(signature, margin)
    read = read_tag_list(value)
    expected = dict(tags)
    assert {name: without_blanks(read[name]) for name in expected} == expected
    assert without_blanks(read["b"]) == signature
    if margin:
        lines = f"DKIM-Signature: {value}".split("\r\n")
        assert all(len(line.expandtabs(8)) <= margin + 1 for line in lines)
