"""What staff do about jobs that failed."""

from uuid import UUID

from django.db import transaction

from diagnosis.models import GradingJob
from diagnosis.permissions import check_may_look_after_jobs, may_steer
from diagnosis.transitions import start_again
from portal.acting import Acting, acting_for
from portal.errors import Refused
from portal.row_security import UPKEEP, in_the_name_of


@transaction.atomic
def try_again(*, job_id: UUID, by: Acting) -> None:
    """Queue a failed job again, for the hospital that asked.

    Who may: who looks after the jobs.
    Records: GRADING_REQUESTED, signed by the diagnosis service.

    Raises:
        Refused: not allowed, no such job, it has not failed, the frame is being
            graded, or who asked could not ask for it today.
    """
    check_may_look_after_jobs(by)
    # Staff see no patient; that the act is about one is between job and ledger.
    with in_the_name_of(UPKEEP):
        job = GradingJob.objects.select_related("image__patient").filter(pk=job_id)
        if (found := job.first()) is None:
            raise Refused("There is no such job.")
        if not may_steer(acting_for(found.requested_by, found.institution_id), found):
            raise Refused("Who asked for this grade could not ask for it any more.")
        start_again(found, by)
