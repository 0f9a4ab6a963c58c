"""Turns what a version said in shadow mode into a report for the service's staff."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from diagnosis.actions.shadows import open_shadows
from diagnosis.grading.comparison import OUTCOMES, Comparison, Share, Shift, compare
from diagnosis.grading.scale import Grade
from diagnosis.models import ModelVersion, ShadowResult
from portal.acting import Acting

MOST = 1000
"""The newest so many images are compared: each costs a private operation to open."""
FEW = 30
"""With fewer images the intervals are too wide to decide by."""


@dataclass(frozen=True)
class Report:
    """A version beside one that was active meanwhile."""

    beside: ModelVersion
    first: date
    last: date
    failed: Share
    comparison: Comparison
    is_cut: bool

    @property
    def is_small(self) -> bool:
        """Whether there is too little to decide by."""
        return self.comparison.agreement.of < FEW

    @property
    def agreement(self) -> str:
        """The share of equal answers with its interval, in words."""
        return share_words(self.comparison.agreement)

    @property
    def table(self) -> list[tuple[str, list[tuple[str, int, bool]], str]]:
        """By answer of the active version: the other's answers, what changed.

        Each answer with its name, how many, and whether it is the same.
        """
        return [
            (
                outcome_words(row.answer),
                [
                    (outcome_words(other), count, other == row.answer)
                    for other, count in zip(OUTCOMES, row.counts, strict=True)
                ],
                share_words(row.changed),
            )
            for row in self.comparison.rows
        ]

    @property
    def shifts(self) -> list[tuple[str, int, str]]:
        """By grade: how many images, how far its probability moves."""
        return [
            (shift.grade.value, shift.images, shift_words(shift))
            for shift in self.comparison.shifts
        ]


def reports_about(version: ModelVersion, *, by: Acting) -> Iterator[Report]:
    """One report for each version beside which this one was in shadow mode.

    Raises:
        Refused, RecordDamaged, KeyUnavailable: as `open_shadows`.
    """
    beside = ModelVersion.objects.filter(
        pk__in=version.shadow_results.order_by().values("beside")
    )
    for other in beside.order_by("-activated_at"):
        results = list(version.shadow_results.filter(beside=other)[: MOST + 1])
        yield _report(other, results[:MOST], by, is_cut=len(results) > MOST)


def _report(
    beside: ModelVersion, results: list[ShadowResult], by: Acting, *, is_cut: bool
) -> Report:
    pairs = open_shadows(results=results, by=by)
    return Report(
        beside=beside,
        first=results[-1].day,
        last=results[0].day,
        failed=Share(len(results) - len(pairs), len(results)),
        comparison=compare(pairs),
        is_cut=is_cut,
    )


def outcome_words(outcome: Grade | None) -> str:
    """An answer as a heading."""
    return outcome.value if outcome else _("No grade")


def share_words(share: Share) -> str:
    """Such as 9 of 10: 90.0 % (59.6 to 98.2 %)."""
    if not share.of:
        return _("none")
    low, high = (_percent(end) for end in share.interval)
    return _("%(count)d of %(of)d: %(value)s %% (%(low)s to %(high)s %%)") % {
        "count": share.count,
        "of": share.of,
        "value": _percent(share.value),
        "low": low,
        "high": high,
    }


def shift_words(shift: Shift) -> str:
    """Such as +1.2 points (-0.4 to +2.8)."""
    if not shift.images:
        return _("none")
    mean = _points(shift.mean)
    if shift.interval is None:
        return _("%(mean)s points") % {"mean": mean}
    low, high = (_points(end) for end in shift.interval)
    return _("%(mean)s points (%(low)s to %(high)s)") % {
        "mean": mean,
        "low": low,
        "high": high,
    }


def _percent(share: float) -> str:
    # Rounded here: number_format would cut.
    return str(number_format(round(100 * share, 1), 1))


def _points(share: float) -> str:
    """Percentage points with their sign; rounded to nothing, without one."""
    rounded = round(100 * share, 1)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return sign + number_format(abs(rounded), 1)
