"""The page that shows a patient's grades over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from diagnosis.charts import Panel, path, spread
from diagnosis.follow_up import MOST, Reading, readings
from diagnosis.grading.scale import Grade
from diagnosis.rises import FLUID_STEP, GRADE_STEP, rises
from portal.acting import SignedInRequest
from records.access import patient_or_404
from records.permissions import DOCTORS, Relation, relation

GRADES = Panel(left=72, right=620, top=24, bottom=174, low=-0.25, high=2.25)
FLUID = Panel(left=72, right=620, top=214, bottom=324, low=0, high=1)


@dataclass(frozen=True)
class Mark:
    """One picture in the chart; a height is None where it has no such figure."""

    reading: Reading
    x: float
    grade_y: float | None
    fluid_y: float | None
    grade_rose: bool
    fluid_rose: bool

    @property
    def rose(self) -> bool:
        """Whether anything is marked."""
        return self.grade_rose or self.fluid_rose


@login_required
@require_GET
def follow_up(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    patient = patient_or_404(request, patient_id)
    if relation(request.acting, patient) not in {*DOCTORS, Relation.GUARDIAN}:
        raise Http404
    marks = _marks(readings(request.acting, patient))
    context = {
        "patient": patient,
        "marks": marks,
        "grade_line": path([(m.x, m.grade_y) for m in marks if m.grade_y is not None]),
        "fluid_line": path([(m.x, m.fluid_y) for m in marks if m.fluid_y is not None]),
        "grade_scale": [(grade.value, GRADES.y(grade.output)) for grade in Grade],
        "fluid_scale": [(percent, FLUID.y(percent / 100)) for percent in (0, 50, 100)],
        "panel": GRADES,
        "grade_step": int(GRADE_STEP),
        "fluid_step": round(100 * FLUID_STEP),
        "most": MOST,
    }
    return render(request, "diagnosis/follow_up.html", context)


def _marks(found: Sequence[Reading]) -> list[Mark]:
    across = spread([reading.at for reading in found], GRADES.left + 12, GRADES.right)
    grade_rises = rises([reading.standing for reading in found], GRADE_STEP)
    fluid_rises = rises([reading.fluid_share for reading in found], FLUID_STEP)
    return [
        Mark(
            reading=reading,
            x=x,
            grade_y=None if reading.standing is None else GRADES.y(reading.standing),
            fluid_y=None
            if reading.fluid_share is None
            else FLUID.y(reading.fluid_share),
            grade_rose=grade_rose,
            fluid_rose=fluid_rose,
        )
        for reading, x, grade_rose, fluid_rose in zip(
            found, across, grade_rises, fluid_rises, strict=True
        )
    ]
