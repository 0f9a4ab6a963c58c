"""Keeps what a doctor says to an AI grade."""

import json

from django.db import transaction

from diagnosis.grading.scale import Grade
from diagnosis.models import GradingJob, Verdict
from diagnosis.permissions import check_may_judge
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from records.actions.documents import NewDocument, add_document
from records.models import Document

EVENTS = {
    Verdict.Decision.ACCEPTED: Event.GRADE_ACCEPTED,
    Verdict.Decision.OVERRULED: Event.GRADE_OVERRULED,
    Verdict.Decision.UNDECIDED: Event.GRADE_UNDECIDED,
}


@transaction.atomic
def judge_grade(
    *,
    job: GradingJob,
    decision: Verdict.Decision,
    grade: Grade | None,
    reason: str,
    by: Acting,
) -> Verdict:
    """Accept an AI grade, overrule it with one's own, or say that one cannot tell.

    Who may: a doctor of a hospital that has the patient in care.
    Records: GRADE_ACCEPTED, GRADE_OVERRULED or GRADE_UNDECIDED.
    Effects: grade and reason are sealed as a document; the AI grade stays as it was.

    Raises:
        Refused: not allowed, no grade yet, overruled without a grade and a reason, or
            undecided without a reason.
    """
    check_may_judge(by, job)
    own = grade if decision == Verdict.Decision.OVERRULED else None
    if decision == Verdict.Decision.OVERRULED and not (own and reason.strip()):
        raise Refused("Say which grade you set instead, and why; both are kept.")
    if decision == Verdict.Decision.UNDECIDED and not reason.strip():
        raise Refused("Say what keeps you from telling; it is kept beside the grade.")
    word = {"grade": own.value if own else None, "reason": reason.strip()}
    document = add_document(
        patient=job.image.patient,
        institution=by.institution or job.institution,
        by=by,
        new=NewDocument(
            kind=Document.Kind.VERDICT,
            name="verdict.json",
            media_type="application/json",
            content=[json.dumps(word, ensure_ascii=False).encode()],
            about=job.image,
            event=EVENTS[decision],
            metadata={"job": str(job.pk)},
        ),
    )
    return Verdict.objects.create(
        job=job,
        decision=decision,
        document=document,
        model_version=job.model_version,
        by=by.user,
    )
