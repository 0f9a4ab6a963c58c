"""What a model card says its weights reach, read from the card itself."""

import re
from dataclasses import dataclass

from diagnosis.grading.scale import Grade

_ROW = re.compile(r"^\|(?P<truth>[^|]+)\|(?P<cells>(?:\s*\d+\s*\|)+)\s*$")


@dataclass(frozen=True)
class CardFigures:
    """What was measured before the weights were handed out.

    Attributes:
        right: images that got their grade.
        images: all that have a kidney; one that was not found counts as wrong.
    """

    right: int
    images: int

    @property
    def accuracy(self) -> float:
        """Share of the right ones."""
        return self.right / self.images


def card_figures(card: str) -> CardFigures | None:
    """Read the card's table of truth against answers; None where it has none.

    The rows named by a grade count; their first cells are the grades in order, what
    comes after them is no grade.
    """
    rows = {
        found["truth"].strip(): [int(cell) for cell in found["cells"].split("|")[:-1]]
        for line in card.splitlines()
        if (found := _ROW.match(line.strip()))
    }
    if not all(grade in rows and len(rows[grade]) >= len(Grade) for grade in Grade):
        return None
    right = sum(rows[grade][grade.output] for grade in Grade)
    images = sum(sum(rows[grade]) for grade in Grade)
    return CardFigures(right, images) if images else None
