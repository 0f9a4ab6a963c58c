"""A multipart/related body comes apart into what it was made of, or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.receiving.multipart import (
    MOST_PARTS,
    MultipartRefused,
    Part,
    related,
    split,
)

BOUNDARIES = st.from_regex(r"[0-9A-Za-z'()+_,\-./:=?]{1,70}", fullmatch=True)
CONTENTS = st.lists(
    st.one_of(st.binary(max_size=200), st.text("\r\n-b", max_size=30).map(str.encode)),
    min_size=1,
    max_size=5,
)
BITS = [
    b"\r\n",
    b"--",
    b"\r\n--b",
    b"--b",
    b"--b--",
    b"\r\n\r\n",
    b"Content-Type: application/dicom",
    b"Content-Type:",
    b"=?x?q?",
    b" ",
    b"\x00\xff",
    b"\n",
]


def joined(contents: list[bytes], boundary: str, preamble: bytes = b"") -> bytes:
    mark = boundary.encode()
    parts = b"".join(
        b"--" + mark + b"\r\nContent-Type: Application/DICOM; x=y\r\n\r\n" + c + b"\r\n"
        for c in contents
    )
    return preamble + parts + b"--" + mark + b"--" + b"epilogue"


@given(CONTENTS, BOUNDARIES, st.sampled_from([b"", b"hello\r\n"]))
@settings(max_examples=150)
def test_what_is_joined_comes_apart(contents, boundary, preamble):
    mark = b"--" + boundary.encode()
    if any(mark in b"\r\n" + content for content in contents):
        return  # RFC 2046 forbids such a boundary
    found = split(joined(contents, boundary, preamble), boundary)
    assert found == [Part("application/dicom", content) for content in contents]


@given(
    st.lists(st.one_of(st.sampled_from(BITS), st.binary(max_size=9)), max_size=40).map(
        b"".join
    )
)
@settings(max_examples=400)
def test_no_body_is_an_error_of_ours(body):
    try:
        parts = split(body, "b")
    except MultipartRefused as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017
    else:
        assert 0 < len(parts) <= MOST_PARTS
        assert sum(len(part.content) for part in parts) <= len(body)


@given(CONTENTS, st.data())
@settings(max_examples=100)
def test_a_body_cut_anywhere_is_refused_or_whole(contents, data):
    body = joined(contents, "cut-here").removesuffix(b"--epilogue") + b"--"
    if any(b"--cut-here" in content for content in contents):
        return
    at = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(MultipartRefused):
        split(body[:at], "cut-here")


@given(
    st.one_of(
        st.text(max_size=120),
        st.text("multipart/related;bounday=\"'\r\n *%", max_size=80),
    )
)
@settings(max_examples=300)
def test_no_header_is_an_error_of_ours(header):
    for content_type in (header, f"multipart/related; {header}"):
        try:
            found = related(content_type)
        except MultipartRefused:
            continue
        assert found is None or 0 < len(found.boundary) <= 70


def test_more_parts_than_may_be_are_refused():
    assert len(split(joined([b""] * MOST_PARTS, "b"), "b")) == MOST_PARTS
    with pytest.raises(MultipartRefused, match="Send them in several requests"):
        split(joined([b""] * (MOST_PARTS + 1), "b"), "b")


def test_a_header_without_an_end_is_refused():
    with pytest.raises(MultipartRefused, match="no end to its header"):
        split(b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\ncontent\r\n--b--", "b")
