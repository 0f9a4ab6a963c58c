"""What two versions of the networks say of the same images, compared."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade

Z = 1.959963984540054
"""Of the normal distribution, 95 % lie within so many standard deviations."""
OUTCOMES: tuple[Grade | None, ...] = (*Grade, None)
"""Every answer there is; None where no kidney was found."""


@dataclass(frozen=True)
class Answer:
    """What one version says of one image, and nothing of the image itself.

    Attributes:
        grade: None where no kidney was found.
        probabilities: in the order of `Grade`; None without a grade.
    """

    grade: Grade | None
    probabilities: tuple[float, ...] | None

    @classmethod
    def of(cls, report: GradeReport) -> "Answer":
        """The answer in a report."""
        shares = report.probabilities
        return cls(report.grade, tuple(shares[g] for g in Grade) if shares else None)


@dataclass(frozen=True)
class Pair:
    """Two answers to the same image: of the active version, of the one beside it."""

    active: Answer
    shadow: Answer

    def to_json(self) -> bytes:
        """Both answers, UTF-8."""
        fields = {
            name: [answer.grade, answer.probabilities]
            for name, answer in (("active", self.active), ("shadow", self.shadow))
        }
        return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Pair":
        """Read what `to_json` wrote.

        Raises:
            ReportRejected: the bytes are no pair of answers.
        """
        try:
            fields = json.loads(content)
            return cls(_answer(*fields["active"]), _answer(*fields["shadow"]))
        except (ValueError, TypeError, KeyError) as error:
            raise ReportRejected(f"These bytes are no two answers: {error}.") from error


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95 % interval of the share behind it."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; 0 of nothing."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (Wilson 1927), 0 to 1; of nothing, all of it."""
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, self.value
        centre = p + Z**2 / (2 * n)
        reach = Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        scale = 1 + Z**2 / n
        # The share lies within; rounding alone could put it outside.
        low, high = (centre - reach) / scale, (centre + reach) / scale
        return max(0.0, min(p, low)), min(1.0, max(p, high))


@dataclass(frozen=True)
class Shift:
    """How far a grade's probability moves from the active version to the other.

    Attributes:
        grade: which.
        images: that both versions graded.
        mean: of the differences, -1 to 1; 0 of nothing.
        interval: of the mean, 95 %, normal; None with fewer than two images.
    """

    grade: Grade
    images: int
    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Row:
    """What becomes of the images to which the active version gives one answer.

    Attributes:
        answer: of the active version.
        counts: images by the answer of the other, in the order of `OUTCOMES`.
        changed: those with another answer.
    """

    answer: Grade | None
    counts: tuple[int, ...]
    changed: Share


@dataclass(frozen=True)
class Comparison:
    """Two versions on the same images.

    Attributes:
        agreement: images with the same answer.
        rows: one for each answer, in the order of `OUTCOMES`.
        shifts: one for each grade.
    """

    agreement: Share
    rows: tuple[Row, ...]
    shifts: tuple[Shift, ...]


def compare(pairs: Sequence[Pair]) -> Comparison:
    """Count what changes, and how far.

    Every image counts as one draw: with many images of few patients, the truth lies
    outside of the intervals more often than they say.
    """
    same = sum(pair.active.grade == pair.shadow.grade for pair in pairs)
    return Comparison(
        agreement=Share(same, len(pairs)),
        rows=tuple(_row(answer, pairs) for answer in OUTCOMES),
        shifts=tuple(_shift(grade, pairs) for grade in Grade),
    )


def _row(answer: Grade | None, pairs: Sequence[Pair]) -> Row:
    others = [pair.shadow.grade for pair in pairs if pair.active.grade == answer]
    counts = tuple(others.count(each) for each in OUTCOMES)
    kept = counts[OUTCOMES.index(answer)]
    return Row(answer, counts, Share(len(others) - kept, len(others)))


def _shift(grade: Grade, pairs: Sequence[Pair]) -> Shift:
    moved = [
        pair.shadow.probabilities[grade.output]
        - pair.active.probabilities[grade.output]
        for pair in pairs
        if pair.active.probabilities and pair.shadow.probabilities
    ]
    count = len(moved)
    mean = math.fsum(moved) / count if count else 0.0
    if count < 2:
        return Shift(grade, count, mean, None)
    variance = math.fsum((each - mean) ** 2 for each in moved) / (count - 1)
    reach = Z * math.sqrt(variance / count)
    return Shift(grade, count, mean, (mean - reach, mean + reach))


def _answer(grade: str | None, probabilities: list[float] | None) -> Answer:
    if grade is None or probabilities is None:
        if (grade is None) != (probabilities is None):
            raise ReportRejected("A grade comes with its probabilities.")
        return Answer(None, None)
    shares = tuple(float(share) for share in probabilities)
    if len(shares) != len(Grade) or not all(0 <= share <= 1 for share in shares):
        raise ReportRejected("An answer has a probability from 0 to 1 for each grade.")
    return Answer(Grade(grade), shares)
