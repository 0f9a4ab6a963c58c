"""A patient's grades and measurements, as readings in the order of time."""

import json
from dataclasses import dataclass
from datetime import datetime

from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.models import GradingJob, State, Verdict
from portal.acting import Acting
from records.actions.documents import open_document
from records.models import Document, Patient
from records.permissions import may_read_document, readable_documents

MOST = 30
"""Pictures in one chart: each is opened, which is recorded each time."""


@dataclass(frozen=True)
class Reading:
    """What is known of one picture.

    Attributes:
        job: whose report it is.
        at: when the picture came into the history.
        report: what the networks said.
        verdict: the last doctor's word that the reader may open; None without one.
        own_grade: that doctor's grade, where it differs.
    """

    job: GradingJob
    at: datetime
    report: GradeReport
    verdict: Verdict | None
    own_grade: Grade | None

    @property
    def grade(self) -> Grade | None:
        """The grade that counts: the doctor's, else the suggestion."""
        return self.own_grade or self.report.grade

    @property
    def standing(self) -> float | None:
        """Where it lies from 0 to 2: a doctor's grade, else the expected grade."""
        if self.own_grade:
            return float(self.own_grade.output)
        return self.report.expected_grade

    @property
    def fluid_share(self) -> float | None:
        """Fluid ÷ kidney, 0 to 1: 1 − hydronephrosis index."""
        if self.report.measurements is not None:
            return self.report.measurements.fluid_share
        index = self.report.hydronephrosis_index
        return None if index is None else 1 - index

    @property
    def fluid_percent(self) -> float | None:
        """The same, in per cent."""
        return None if self.fluid_share is None else 100 * self.fluid_share


def readings(acting: Acting, patient: Patient) -> list[Reading]:
    """The newest pictures' last reports that the person may open, oldest first.

    Each report is opened in the person's name, and recorded as a reading.
    """
    reports = readable_documents(acting, patient).filter(
        kind=Document.Kind.GRADE_REPORT
    )
    jobs = (
        GradingJob.objects.filter(report__in=reports, state=State.DONE)
        .select_related("image__patient", "report__patient", "report__institution")
        .order_by("requested_at")
    )
    last = {(job.image_id, job.frame): job for job in jobs}
    newest = sorted(last.values(), key=lambda job: job.image.created_at)[-MOST:]
    return [_reading(acting, job) for job in newest]


def _reading(acting: Acting, job: GradingJob) -> Reading:
    assert job.report is not None  # noqa: S101 (asked for jobs with a report)
    verdict, own = _word(acting, job)
    return Reading(
        job=job,
        at=job.image.created_at,
        report=GradeReport.from_json(open_document(document=job.report, acting=acting)),
        verdict=verdict,
        own_grade=own,
    )


def _word(acting: Acting, job: GradingJob) -> tuple[Verdict | None, Grade | None]:
    """The last verdict that may be opened; it is opened only for a grade of its own."""
    said = job.verdicts.select_related("document__patient", "by")
    for verdict in said:
        if not may_read_document(acting, verdict.document):
            continue
        if verdict.decision != Verdict.Decision.OVERRULED:
            return verdict, None
        word = json.loads(open_document(document=verdict.document, acting=acting))
        return verdict, Grade(word["grade"])
    return None, None
