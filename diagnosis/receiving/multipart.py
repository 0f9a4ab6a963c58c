"""Splitting of a multipart/related body into its parts (RFC 2046 §5.1.1, RFC 2387)."""

import re
from dataclasses import dataclass
from email.message import Message

MOST_PARTS = 500
MOST_HEADER_BYTES = 8192
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
"""RFC 2046: one to seventy of these, no blank at the end."""


class MultipartRefused(ValueError):
    """The body is not what its header says; the message is a sentence."""


@dataclass(frozen=True)
class Part:
    """One part: its media type in lower case, and its bytes."""

    media_type: str
    content: bytes


@dataclass(frozen=True)
class Related:
    """What the Content-Type header says of a multipart/related body."""

    boundary: str
    type: str


def related(content_type: str) -> Related | None:
    """The parameters of a multipart/related header; None where it is another type.

    Raises:
        MultipartRefused: there is no usable boundary.
    """
    header = Message()
    header["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
    if header.get_content_type() != "multipart/related":
        return None
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not BOUNDARY.fullmatch(boundary):
        raise MultipartRefused("The Content-Type header names no valid boundary.")
    wanted = header.get_param("type", "")
    return Related(boundary, str(wanted).lower())


def split(body: bytes, boundary: str) -> list[Part]:
    """The parts of a body, in their order.

    Linear in the body; what stands before the first and after the last boundary is
    left out.

    Raises:
        MultipartRefused: no part, no end, too many parts, or a part without an end to
            its header.
    """
    mark = b"\r\n--" + boundary.encode("ascii")
    rest, at = b"\r\n" + body, 0
    found: list[Part] = []
    if (at := rest.find(mark)) < 0:
        raise MultipartRefused("The body does not hold the boundary of its header.")
    while True:
        at += len(mark)
        if rest.startswith(b"--", at):
            break
        start = _after_padding(rest, at)
        if (end := rest.find(mark, start - 2)) < 0:
            raise MultipartRefused(
                "The body is cut short: its last boundary is missing."
            )
        if len(found) == MOST_PARTS:
            raise MultipartRefused(
                f"The body has more than {MOST_PARTS} parts. Send them in several requests."
            )
        found.append(_part(rest[start - 2 : end]))
        at = end
    if not found:
        raise MultipartRefused("The body has no parts.")
    return found


def _after_padding(rest: bytes, at: int) -> int:
    """Behind the line break of a boundary, before which blanks may stand."""
    end = rest.find(b"\r\n", at)
    if end < 0 or rest[at:end].strip(b" \t"):
        raise MultipartRefused("A boundary of the body is followed by something else.")
    return end + 2


def _part(lines: bytes) -> Part:
    """Header and content; `lines` begins with the line break of the boundary."""
    end = lines.find(b"\r\n\r\n", 0, MOST_HEADER_BYTES)
    if end < 0:
        raise MultipartRefused("A part of the body has no end to its header.")
    header = Message()
    for line in lines[2:end].split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"content-type":
            header["Content-Type"] = value.decode("latin-1").strip()
    media_type = header.get_content_type() if "Content-Type" in header else ""
    return Part(media_type, lines[end + 4 :])
