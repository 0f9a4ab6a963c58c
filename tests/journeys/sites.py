"""What the portal's own machine does while workers elsewhere grade for it."""

import json
import sys
from collections import Counter
from typing import Any
from uuid import UUID

from django.db import transaction

from diagnosis.actions.data_sets import fetch_results
from diagnosis.actions.requests import request_grading
from diagnosis.models import GradingJob, SetAct, SetContent, SetRun
from ledger.events import Event
from portal.acting import Acting
from records.content import content_store
from records.models import Act, Document
from records.opening import unseal
from records.storage.cids import parse_cid
from tests.cast import Cast, add_image, desensitised, make_world, picture
from tests.diagnosis.sets.sending import given

PICTURES, JOBS = 40, 3


def send() -> None:
    """Give the service single images, then a data set of each of two hospitals."""
    make_world()
    cast = Cast()
    jobs = [str(_job(cast, 500 + n).pk) for n in range(JOBS)]
    runs = [str(given(by, _pictures(s)).pk) for by, s in _senders(cast)]
    sys.stdout.write(json.dumps({"jobs": jobs, "runs": runs}))


def look(jobs: list[str], runs: list[str]) -> None:
    """Tell what became of them, opened with the hospitals' keys."""
    cast = Cast()
    by = [by for by, _ in _senders(cast)]
    told = {
        "runs": [_of_run(UUID(run), who) for run, who in zip(runs, by, strict=True)],
        "jobs": [_of_job(UUID(job), cast.bea) for job in jobs],
    }
    sys.stdout.write(json.dumps(told))


def away(jobs: list[str], runs: list[str]) -> None:
    """Tell which results are not pinned at the portal's own node."""
    reports = GradingJob.objects.filter(pk__in=jobs).values_list("report__cid")
    results = SetContent.objects.filter(run__pk__in=runs, kind=SetContent.Kind.RESULTS)
    cids = [cid for (cid,) in [*reports, *results.values_list("cid")]]
    store = content_store()
    found = [cid for cid in cids if not (cid and store.has(parse_cid(cid)))]
    sys.stdout.write(json.dumps(found))


def _senders(cast: Cast) -> list[tuple[Acting, int]]:
    return [(cast.bea, 1000), (cast.carl, 2000)]


def _pictures(first: int) -> dict[str, bytes]:
    return {f"{n}.png": picture(first + n) for n in range(PICTURES)}


@transaction.atomic
def _job(cast: Cast, seed: int) -> GradingJob:
    return request_grading(
        image=add_image(cast.child, cast.bea, picture(seed)),
        frame=0,
        desensitised_png=desensitised(picture(seed)),
        by=cast.bea,
    )


def _of_run(run_id: UUID, by: Acting) -> dict[str, Any]:
    run = SetRun.objects.get(pk=run_id)
    acts = SetAct.objects.filter(data_set=run.data_set)
    return {
        "state": run.state,
        "numbers": [r.number for r in fetch_results(run=run, by=by).results],
        "contents": run.contents.filter(kind=SetContent.Kind.RESULTS).count(),
        "acts": Counter(Event(act.event).name for act in acts),
    }


def _of_job(job_id: UUID, by: Acting) -> dict[str, Any]:
    job = GradingJob.objects.get(pk=job_id)
    reports = job.image.followed_by.filter(kind=Document.Kind.GRADE_REPORT)
    acts = Act.objects.filter(metadata__job=str(job_id))
    assert by.institution
    return {
        "state": job.state,
        "failure": job.failure,
        "reports": [len(unseal(each, by.institution.holder_id)) for each in reports],
        "acts": Counter(Event(act.event).name for act in acts),
    }
