"""The worker grades with the real networks, once, and says how it went."""

import logging
import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from diagnosis import heart, tasks, worker
from diagnosis.actions import jobs, requests
from diagnosis.actions.jobs import beat, claim
from diagnosis.actions.requests import cancel
from diagnosis.actions.versions import activate_version
from diagnosis.grading.report import GradeReport
from diagnosis.models import GradingJob, ModelVersion, Standing, State
from ledger.events import Event
from portal.row_security import grading, in_the_name_of
from records.content import content_store
from records.models import Act, Document
from records.opening import unseal
from records.storage.cids import parse_cid
from tests.cast import Cast
from tests.diagnosis.imaging.files import PATIENT_ID, PATIENT_NAME, dicom, picture

pytestmark = pytest.mark.slow


def reread(job: GradingJob) -> GradingJob:
    return GradingJob.objects.get(pk=job.pk)


def reports(cast: Cast) -> int:
    return cast.child.documents.filter(
        kind=Document.Kind.GRADE_REPORT, institution=cast.b
    ).count()


def recorded(event: Event, job: GradingJob) -> int:
    return Act.objects.filter(event=event, metadata__job=str(job.pk)).count()


def activate_another(cast: Cast) -> None:
    """A version whose stored weights are not those that were registered."""
    other = ModelVersion.objects.create(
        name="swapped-1",
        weights_sha256="ab" * 32,
        cid=cast.version.cid,
        card="# Swapped",
        intended_use="None.",
        warnings="None.",
        approved_by="Nobody",
        standing=Standing.SHADOW,
    )
    activate_version(version=other, reason="To see it fail.", by=cast.sven)


def test_a_job_becomes_a_sealed_report(cast: Cast):
    job = cast.request()
    tasks.grade(str(job.pk))
    job = reread(job)
    assert job.state == State.DONE
    assert job.report
    opened = GradeReport.from_json(unseal(job.report, cast.child.holder_id))
    assert opened.mask.shape == (96, 96)
    assert opened.model_version == job.model_version == cast.version.name
    assert opened.weights_sha256 == job.weights_sha256 == cast.version.weights_sha256
    assert (opened.grade is None) == (opened.probabilities is None)
    assert recorded(Event.GRADE_RECORDED, job) == 1
    assert not job.copy.wraps.exists()


def test_delivered_twice_means_done_once(cast: Cast):
    job = cast.request()
    for _ in range(2):
        tasks.grade(str(job.pk))
    assert reports(cast) == 1
    assert recorded(Event.GRADE_RECORDED, job) == 1
    assert reread(job).attempts == 1


def test_a_job_that_another_worker_holds_is_left_alone(cast: Cast):
    job = cast.request()
    held = claim(job_id=job.pk)
    assert held
    tasks.grade(str(job.pk))
    assert reread(job).claim == held.claim
    assert reports(cast) == 0


def test_a_task_for_a_job_that_is_not_there_is_harmless(cast: Cast):
    tasks.grade("00000000-0000-4000-8000-000000000000")


def test_cancelled_while_running_records_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    job = cast.request()
    stages: list[str | None] = []

    def cancelled_meanwhile(*, job: GradingJob, stage: str | None = None) -> None:
        if not stages:
            with in_the_name_of(cast.bea.party):
                cancel(job=reread(job), by=cast.bea)
        stages.append(stage)
        jobs.beat(job=job, stage=stage)

    monkeypatch.setattr(worker, "beat", cancelled_meanwhile)
    worker.run(job.pk)
    assert stages == ["segmenting"]
    assert reread(job).state == State.CANCELLED
    assert reports(cast) == 0
    assert recorded(Event.GRADE_RECORDED, job) == 0
    assert recorded(Event.GRADING_FAILED, job) == 0


def test_every_stage_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    told: list[str | None] = []

    def heard(*, job: GradingJob, stage: str | None = None) -> None:
        jobs.beat(job=job, stage=stage)
        told.append(reread(job).stage)

    monkeypatch.setattr(worker, "beat", heard)
    worker.run(cast.request().pk)
    assert told[0] == "segmenting"
    assert told == ["segmenting", "merging", "classifying"][: len(told)]


def test_a_fault_gives_the_user_a_sentence_and_staff_a_traceback(
    cast: Cast, caplog: pytest.LogCaptureFixture
):
    activate_another(cast)
    job = cast.request()
    with caplog.at_level(logging.ERROR, "diagnosis.worker"):
        worker.run(job.pk)
    job = reread(job)
    assert job.state == State.FAILED
    assert job.failure == (
        "The image could not be graded because of a fault on our side."
        f" Quote {job.correlation_id} when you ask for help."
    )
    assert "WeightsRejected" in job.traceback
    assert job.correlation_id in caplog.text
    assert "WeightsRejected" not in job.failure
    assert recorded(Event.GRADING_FAILED, job) == 1
    assert job.copy.wraps.exists()


def test_the_users_sentence_is_on_the_page_and_the_traceback_is_not(
    cast: Cast, sign_in, caplog
):
    activate_another(cast)
    job = cast.request()
    worker.run(job.pk)
    page = sign_in("bea").get(reverse("job", args=[job.pk])).text
    assert reread(job).correlation_id in page
    assert "Traceback" not in page
    assert "WeightsRejected" not in page


def test_a_lost_block_is_said_in_its_own_words(cast: Cast):
    job = cast.request()
    content_store().remove(parse_cid(job.copy.cid))
    worker.run(job.pk)
    assert reread(job).failure.startswith("The store does not have block ")


def test_a_failed_job_ends_well_when_tried_again(cast: Cast):
    good = cast.version
    activate_another(cast)
    job = cast.request()
    worker.run(job.pk)
    assert reread(job).state == State.FAILED
    activate_version(version=good, reason="The other one fails.", by=cast.sven)
    requests.retry(job=reread(job), by=cast.bea)
    worker.run(job.pk)
    assert reread(job).state == State.DONE
    assert reports(cast) == 1


def test_the_heart_beats_while_the_networks_hold_the_thread(
    committed_cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(heart, "BEAT_SECONDS", 0.02)
    job = claim(job_id=committed_cast.request().pk)
    assert job
    beaten = threading.Event()
    with in_the_name_of(grading(job.pk)), heart.heart_beating(lambda: beat(job=job)):
        for _ in range(200):
            if reread(job).heard_at != job.heard_at:
                beaten.set()
                break
            beaten.wait(0.02)
    assert beaten.is_set()
    last = reread(job).heard_at
    beaten.clear()
    beaten.wait(0.1)
    assert reread(job).heard_at == last


def test_the_heart_stops_when_the_job_is_lost(
    committed_cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    cast = committed_cast
    monkeypatch.setattr(heart, "BEAT_SECONDS", 0.02)
    job = claim(job_id=cast.request().pk)
    assert job
    with in_the_name_of(grading(job.pk)), heart.heart_beating(lambda: beat(job=job)):
        # Taken before the job is lost: it stops at once.
        (thread,) = (t for t in threading.enumerate() if t.name == "heartbeat")
        with in_the_name_of(cast.bea.party):
            cancel(job=reread(job), by=cast.bea)
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_an_image_walks_from_the_upload_page_to_its_grade(
    cast: Cast, sign_in, django_capture_on_commit_callbacks
):
    """What the service gets has no identifier left; the original keeps them all."""
    frames = dicom(picture(200, 240))
    client = sign_in("bea")
    response = client.post(
        reverse("upload", args=[cast.child.pk]),
        {"file": SimpleUploadedFile("scan.dcm", frames)},
    )
    image = Document.objects.get(pk=response.headers["Location"].split("/")[2])
    assert unseal(image, cast.b.holder_id) == frames
    response = client.post(reverse("ask", args=[image.pk]))
    job = GradingJob.objects.get(image=image)
    assert response.headers["Location"] == reverse("job", args=[job.pk])
    sent = unseal(job.copy, cast.service.holder_id)
    assert sent.startswith(b"\x89PNG")
    for identifier in (PATIENT_NAME, PATIENT_ID, "Mbeki", "20190304"):
        assert identifier.encode() in frames
        assert identifier.encode() not in sent
    assert b"tEXt" not in sent
    worker.run(job.pk)
    page = client.get(reverse("job", args=[job.pk]))
    assert page.status_code == 200
    assert "run by eager on cpu" in page.text
    assert reread(job).state == State.DONE
