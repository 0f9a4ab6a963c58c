"""The pages on which a grade is asked for, awaited, read and judged."""

import json

import pytest
from django.urls import reverse

from diagnosis.actions.jobs import advance, claim, fail
from diagnosis.actions.verdicts import judge_grade
from diagnosis.grading.scale import Grade
from diagnosis.models import GradingJob, State, Verdict
from ledger.events import Event
from portal.errors import Refused
from records.actions.consents import withdraw_consent
from records.models import Act, Document
from records.opening import unseal
from tests.cast import REASON, Cast

OVERRULED = {"decision": "overruled", "grade": Grade.SFU_4.value, "reason": REASON}


def judged(job: GradingJob) -> dict[str, str]:
    verdict = job.verdicts.latest("at")
    content: dict[str, str] = json.loads(
        unseal(verdict.document, job.image.patient.holder_id)
    )
    return content


# Asking and waiting


def test_the_preview_shows_what_the_service_would_get_and_sends_nothing(
    cast: Cast, sign_in
):
    page = sign_in("bea").get(reverse("preview", args=[cast.image_b.pk]))
    assert "data:image/png;base64," in page.text
    assert not cast.image_b.grading_jobs.exists()


def test_asking_leads_to_the_jobs_page_which_says_its_place(cast: Cast, sign_in):
    client = sign_in("bea")
    page = client.post(reverse("ask", args=[cast.image_b.pk]), follow=True)
    assert page.status_code == 200
    assert "Next in the queue." in page.text


def test_asking_twice_says_so_and_makes_one_job(cast: Cast, sign_in):
    client, address = sign_in("bea"), reverse("ask", args=[cast.image_b.pk])
    client.post(address)
    assert (
        "This image is being graded already." in client.post(address, follow=True).text
    )
    assert cast.image_b.grading_jobs.count() == 1


def test_progress_says_each_state_in_words_and_reloads_at_the_end(cast: Cast, sign_in):
    job = cast.request()
    client, address = sign_in("bea"), reverse("progress", args=[job.pk])
    held = claim(job_id=job.pk)
    assert held
    assert "Opening the desensitised copy." in client.get(address).text
    advance(job=held, to=State.RUNNING, stage="segmenting")
    assert "Looking for the kidney in the image." in client.get(address).text
    advance(job=held, to=State.SAVING)
    assert "Sealing the result into the history." in client.get(address).text
    fail(job=held, sentence="It did not work.", traceback="secret")
    ended = client.get(address)
    assert ended.headers["HX-Refresh"] == "true"
    page = client.get(reverse("job", args=[job.pk])).text
    assert "It did not work." in page
    assert "secret" not in page


def test_a_doctor_cancels_and_tries_again_from_the_page(cast: Cast, sign_in):
    job, client = cast.request(), sign_in("bea")
    client.post(reverse("cancel", args=[job.pk]))
    assert GradingJob.objects.get(pk=job.pk).state == State.CANCELLED
    other = claim(job_id=cast.request().pk)
    assert other
    fail(job=other, sentence="It did not work.", traceback="")
    client.post(reverse("retry", args=[other.pk]))
    assert GradingJob.objects.get(pk=other.pk).state == State.QUEUED


@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_a_guardian_who_posts_there_is_told_and_changes_nothing(
    cast: Cast, sign_in, act: str
):
    job = cast.request()
    page = sign_in("grace").post(reverse(act, args=[job.pk]), follow=True).text
    assert "Only a doctor of the hospital that asked for it" in page
    assert GradingJob.objects.get(pk=job.pk).state == State.QUEUED


# Reading


def test_the_page_of_a_grade_shows_mask_probabilities_and_index(cast: Cast, sign_in):
    page = sign_in("grace").get(reverse("job", args=[cast.job.pk])).text
    assert page.count("data:image/png;base64,") == 3
    for shown in ("SFU 0-2", "SFU 3", "SFU 4", "75", REASON):
        assert shown in page
    # 1 − 100 fluid pixels ÷ 2,500 of the kidney.
    assert "0.96" in page


def test_a_doctor_whose_consent_ended_reads_the_grade_without_the_image(
    cast: Cast, sign_in
):
    consent = cast.consent()
    job = cast.graded(image=cast.image_a)
    withdraw_consent(consent=consent, by=cast.grace)
    page = sign_in("bea").get(reverse("job", args=[job.pk]))
    assert page.status_code == 200
    assert "belongs to another hospital" in page.text
    assert "data:image/png;base64," not in page.text


def test_the_hospital_that_made_the_image_is_shown_no_grade_of_another(
    cast: Cast, sign_in
):
    cast.consent()
    job = cast.graded(image=cast.image_a)
    client = sign_in("alan")
    page = client.get(reverse("document", args=[cast.image_a.pk])).text
    assert str(cast.job.pk) in page
    assert str(job.pk) not in page
    assert client.get(reverse("job", args=[job.pk])).status_code == 404


def test_the_list_shows_the_own_hospitals_jobs(cast: Cast, sign_in):
    job = cast.request()
    page = sign_in("bea").get(reverse("jobs")).text
    assert str(job.pk) in page
    assert str(cast.job.pk) not in page


def test_reports_and_verdicts_lead_to_the_page_of_their_job(cast: Cast, sign_in):
    verdict = cast.job.verdicts.get().document
    for document in (cast.job.report, verdict):
        assert document
        response = sign_in("grace").get(reverse("document", args=[document.pk]))
        assert reverse("job", args=[cast.job.pk]) in response.headers["Location"]


# Judging


def test_an_accepted_grade_keeps_both_words(cast: Cast, sign_in):
    job = cast.graded()
    data = {"decision": "accepted", "grade": "SFU 4", "reason": " I agree. "}
    sign_in("bea").post(reverse("judge", args=[job.pk]), data)
    assert judged(job) == {"grade": None, "reason": "I agree."}
    assert Act.objects.filter(event=Event.GRADE_ACCEPTED).count() == 2


def test_an_overruled_grade_keeps_both_grades(cast: Cast, sign_in):
    job, client = cast.graded(), sign_in("bea")
    client.post(reverse("judge", args=[job.pk]), OVERRULED)
    assert judged(job) == {"grade": "SFU 4", "reason": REASON}
    page = client.get(reverse("job", args=[job.pk])).text
    assert REASON in page
    job = GradingJob.objects.get(pk=job.pk)
    assert job.report == GradingJob.objects.get(pk=job.pk).report
    assert job.state == State.DONE


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"reason": "  "}, "Say why; both grades are kept."),
        ({"grade": ""}, "Choose the grade you set instead."),
        ({"grade": "SFU 9"}, "Select a valid choice."),
        ({"decision": ""}, "This field is required."),
        ({"reason": "x" * 2001}, "at most 2000 characters"),
    ],
)
def test_an_incomplete_verdict_is_said_at_the_field(
    cast: Cast, sign_in, given: dict[str, str], sentence: str
):
    job = cast.graded()
    response = sign_in("bea").post(reverse("judge", args=[job.pk]), OVERRULED | given)
    assert response.status_code == 422
    assert sentence in response.text
    assert not job.verdicts.exists()


@pytest.mark.parametrize(
    ("grade", "reason"), [(None, REASON), (Grade.SFU_4, " "), (None, "")]
)
def test_overruling_without_grade_and_reason_is_refused(
    cast: Cast, grade: Grade | None, reason: str
):
    with pytest.raises(Refused, match="which grade you set instead, and why"):
        judge_grade(
            job=cast.graded(),
            decision=Verdict.Decision.OVERRULED,
            grade=grade,
            reason=reason,
            by=cast.bea,
        )


@pytest.mark.parametrize("name", ["grace", "boris", "carl", "alan", "petra"])
def test_only_doctors_in_care_judge(cast: Cast, name: str):
    with pytest.raises(Refused, match="can accept or overrule"):
        judge_grade(
            job=cast.graded(),
            decision=Verdict.Decision.ACCEPTED,
            grade=None,
            reason="",
            by=cast.acting(name),
        )


def test_a_job_without_a_grade_is_not_judged(cast: Cast, sign_in):
    job = cast.request()
    response = sign_in("bea").post(reverse("judge", args=[job.pk]), OVERRULED)
    assert response.status_code == 404


def test_verdicts_of_a_hospital_are_hidden_with_its_documents(cast: Cast):
    cast.consent()
    verdict = judge_grade(
        job=cast.job,
        decision=Verdict.Decision.OVERRULED,
        grade=Grade.SFU_4,
        reason="Wider than a month ago.",
        by=cast.bea,
    )
    assert verdict.document.institution == cast.b
    assert set(verdict.document.wraps.values_list("holder_id", flat=True)) == {
        cast.b.holder_id,
        cast.child.holder_id,
    }


def test_another_hospitals_verdict_is_not_on_the_page(cast: Cast, sign_in):
    cast.consent()
    judge_grade(
        job=cast.job,
        decision=Verdict.Decision.OVERRULED,
        grade=Grade.SFU_4,
        reason="Wider than a month ago.",
        by=cast.bea,
    )
    address = reverse("job", args=[cast.job.pk])
    assert "Wider than a month ago." in sign_in("grace").get(address).text
    page = sign_in("alan").get(address).text
    assert REASON in page
    assert "Wider than a month ago." not in page


def test_a_damaged_report_is_a_page_with_a_sentence(cast: Cast, sign_in):
    report = cast.job.report
    assert report
    Document.objects.filter(pk=report.pk).update(cid=cast.image_b.cid)
    response = sign_in("grace").get(reverse("job", args=[cast.job.pk]))
    assert response.status_code == 409
    assert "The ledger names another content" in response.text
