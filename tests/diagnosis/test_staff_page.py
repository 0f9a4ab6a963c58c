"""Staff see what went wrong and have it tried again; whose image it is stays hidden."""

import pytest
from django.urls import reverse

from diagnosis.actions.jobs import claim, fail
from diagnosis.actions.staff import try_again
from diagnosis.models import GradingJob, State
from diagnosis.permissions import jobs_to_look_after
from ledger.events import Event
from ledger.history import statement
from portal.errors import Refused
from portal.row_security import in_the_name_of
from records.models import Act, Enrolment
from tests.cast import CHILD, FILE_NAME, PEOPLE, Cast

TRACEBACK = "Traceback (most recent call last):\n  a <fault> of ours"


@pytest.fixture
def failed(cast: Cast) -> GradingJob:
    job = claim(job_id=cast.request().pk)
    assert job
    fail(job=job, sentence="It did not work.", traceback=TRACEBACK)
    return GradingJob.objects.get(pk=job.pk)


def test_staff_see_sentence_traceback_and_number_and_no_patient(
    cast: Cast, sign_in, failed: GradingJob
):
    page = sign_in("petra").get(reverse("staff_jobs")).text
    for shown in (failed.correlation_id, "It did not work.", cast.b.name):
        assert shown in page
    assert "a &lt;fault&gt; of ours" in page
    secrets = (CHILD, FILE_NAME, PEOPLE["bea"], str(failed.image_id))
    assert not [secret for secret in secrets if secret in page]


def test_a_job_is_found_by_what_somebody_quotes(cast: Cast, sign_in, failed):
    petra, address = sign_in("petra"), reverse("staff_jobs")
    found = petra.get(address, {"q": f" {failed.correlation_id.upper()} "}).text
    assert "It did not work." in found
    other = petra.get(address, {"q": "00000000"}).text
    assert "No such job" in other
    assert "It did not work." not in other


def test_running_jobs_are_listed_and_finished_ones_are_not(cast: Cast, sign_in):
    job = claim(job_id=cast.request().pk)
    assert job
    page = sign_in("petra").get(reverse("staff_jobs")).text
    assert job.correlation_id in page
    assert cast.job.correlation_id not in page


def test_the_database_shows_staff_no_other_jobs(cast: Cast, failed: GradingJob):
    with in_the_name_of(cast.petra.party):
        assert list(GradingJob.objects.all()) == [failed]
        assert not Act.objects.exists()


def test_staff_have_a_job_tried_again_which_the_service_signs(
    cast: Cast, sign_in, failed: GradingJob
):
    sign_in("petra").post(reverse("staff_retry", args=[failed.pk]))
    job = GradingJob.objects.get(pk=failed.pk)
    assert (job.state, job.attempts, job.traceback) == (State.QUEUED, 0, "")
    act = Act.objects.filter(event=Event.GRADING_REQUESTED).latest("at")
    assert act.actor == cast.petra.user
    said = statement(bytes(act.statement_id))
    assert said
    signing = cast.service.holder.keys.get(purpose="signing")
    assert said.author_key_id == bytes(signing.key_id)


@pytest.mark.parametrize("name", ["grace", "bea", "boris", "ada", "carl"])
def test_nobody_else_looks_after_jobs(cast: Cast, failed: GradingJob, name: str):
    assert not jobs_to_look_after(cast.acting(name))
    with pytest.raises(Refused, match="the platform's admin can do this"):
        try_again(job_id=failed.pk, by=cast.acting(name))


def test_what_the_hospital_may_not_ask_for_any_more_is_not_tried_again(
    cast: Cast, failed: GradingJob
):
    Enrolment.objects.filter(patient=cast.child, institution=cast.b).update(
        ended_at=failed.ended_at
    )
    with pytest.raises(Refused, match="could not ask for it any more"):
        try_again(job_id=failed.pk, by=cast.petra)


def test_a_job_that_runs_is_not_tried_again(cast: Cast, sign_in):
    job = cast.request()
    page = (
        sign_in("petra").post(reverse("staff_retry", args=[job.pk]), follow=True).text
    )
    assert "being graded already" in page
