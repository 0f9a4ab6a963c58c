"""What became of each file of a data set, in memory."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

FORMAT = "anamnesis-set-manifest-1"


class Status(StrEnum):
    """What happens with a file."""

    USED = "used"
    REFUSED = "refused"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Outcome:
    """One file, or one row of the list that has none.

    Attributes:
        name: its path in the archive.
        status: whether it will be graded.
        sentence: why not, or what to know of it; may be empty where it is used.
        label: the grade that the hospital gave it; None where it gave none.
        group: stands for its patient; files of one patient share it.
        number: of its picture in the set, from 1; None where it is not used.
        digest: SHA-256 of the desensitised pixels, hex; empty where it is not used.
    """

    name: str
    status: Status
    sentence: str
    label: str | None = None
    group: str = ""
    number: int | None = None
    digest: str = ""


def to_json(outcomes: Iterable[Outcome]) -> bytes:
    """What the hospital keeps of a data set, sealed, beside its pictures."""
    rows = [asdict(outcome) for outcome in outcomes]
    return json.dumps({"format": FORMAT, "files": rows}, ensure_ascii=False).encode()


def from_json(content: bytes) -> list[Outcome]:
    """Read what ``to_json`` wrote.

    Raises:
        ValueError: it is something else.
    """
    found = json.loads(content)
    if found.get("format") != FORMAT:
        raise ValueError(f"Only manifests of format {FORMAT} can be read here.")
    return [
        Outcome(**(row | {"status": Status(row["status"])})) for row in found["files"]
    ]
