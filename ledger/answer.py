"""What an HTTP endpoint of the ledger answers, whoever serves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Answer:
    """A response, before a web server makes its own of it."""

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


def said(status: int, sentence: str) -> Answer:
    """A refusal with its sentence."""
    return Answer(status, f"{sentence}\n".encode())
