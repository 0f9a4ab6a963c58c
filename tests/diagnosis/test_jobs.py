"""A job goes where its table of transitions says, and ends once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnosis.actions.jobs import advance, beat, claim, fail, record_grade, sweep
from diagnosis.actions.requests import cancel, request_grading, retry
from diagnosis.errors import ClaimLost
from diagnosis.models import TRANSITIONS, GradingJob, State
from diagnosis.models.grading_job import ACTIVE, LOST, MAX_ATTEMPTS
from diagnosis.permissions import visible_jobs
from ledger.events import Event
from ledger.history import statement
from portal.errors import Refused
from portal.row_security import UPKEEP, in_the_name_of
from records.models import Act, Document
from records.opening import unseal
from records.permissions import may_read_document
from records.storage.cids import parse_cid
from tests.cast import IMAGE_B, Cast, add_image, desensitised, picture, report

REPORT = report().to_json()


def held(job: GradingJob) -> GradingJob:
    """The job as its worker has it in hand: with the claim it holds now."""
    return GradingJob.objects.get(pk=job.pk)


def silence(job: GradingJob) -> None:
    """Let the worker's last sign of life be an hour old."""
    GradingJob.objects.filter(pk=job.pk).update(
        heard_at=timezone.now() - timedelta(hours=1)
    )


def fall_silent(cast: Cast, job: GradingJob) -> None:
    silence(job)
    sweep()


ACTS: dict[str, Callable[[Cast, GradingJob], Any]] = {
    "claim": lambda cast, job: claim(job_id=job.pk),
    "run": lambda cast, job: advance(job=held(job), to=State.RUNNING),
    "save": lambda cast, job: advance(job=held(job), to=State.SAVING),
    "beat": lambda cast, job: beat(job=held(job)),
    "record": lambda cast, job: record_grade(
        job=held(job), report=REPORT, model_version="test-1"
    ),
    "fail": lambda cast, job: fail(job=held(job), sentence="No.", traceback=""),
    "cancel": lambda cast, job: cancel(job=job, by=cast.bea),
    "retry": lambda cast, job: retry(job=job, by=cast.bea),
    "die": fall_silent,
}
# What each act makes of a job in each state. "=" it stays as it is; "lost" and
# "refused" are said to the worker and to the doctor, and it stays as well.
TABLE = """
state      claim      run      save    beat  record  fail    cancel     retry    die
queued     preparing  lost     lost    lost  lost    failed  cancelled  refused  =
preparing  =          running  lost    =     lost    failed  cancelled  refused  queued
running    =          lost     saving  =     lost    failed  cancelled  refused  queued
saving     =          lost     lost    =     done    failed  refused    refused  queued
done       =          lost     lost    lost  lost    lost    refused    refused  =
failed     =          lost     lost    lost  lost    lost    refused    queued   =
cancelled  =          lost     lost    lost  lost    lost    refused    refused  =
"""
WAYS = {
    State.QUEUED: "",
    State.PREPARING: "claim",
    State.RUNNING: "claim run",
    State.SAVING: "claim run save",
    State.DONE: "claim run save record",
    State.FAILED: "claim fail",
    State.CANCELLED: "cancel",
}
HEADER, *ROWS = (line.split() for line in TABLE.strip().splitlines())
CELLS = [
    (row[0], act, outcome)
    for row in ROWS
    for act, outcome in zip(HEADER[1:], row[1:], strict=True)
]


def reach(cast: Cast, state: State) -> GradingJob:
    job = cast.request()
    for act in WAYS[state].split():
        ACTS[act](cast, job)
    job = held(job)
    assert job.state == state
    return job


def outcome_of(cast: Cast, job: GradingJob, act: str) -> str:
    before = held(job).state
    try:
        with transaction.atomic():
            ACTS[act](cast, job)
    except ClaimLost:
        assert held(job).state == before
        return "lost"
    except Refused:
        assert held(job).state == before
        return "refused"
    after = held(job).state
    return "=" if after == before else after


@pytest.mark.parametrize(("state", "act", "expected"), CELLS)
def test_every_act_in_every_state(cast: Cast, state: str, act: str, expected: str):
    assert outcome_of(cast, reach(cast, State(state)), act) == expected


def test_the_table_above_moves_along_the_table_of_transitions():
    moves = {(s, to) for s, _act, to in CELLS if to in State.values}
    allowed = {(a, b) for a, targets in TRANSITIONS.items() for b in targets}
    assert moves == allowed
    assert set(HEADER[1:]) == set(ACTS)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=10))
def test_no_sequence_of_acts_leaves_the_transitions(cast: Cast, acts: list[str]):
    with transaction.atomic():
        job, recorded = cast.request(), 0
        for act in acts:
            before = State(held(job).state)
            outcome_of(cast, job, act)
            after = State(held(job).state)
            assert after == before or after in TRANSITIONS[before]
            recorded += act == "record" and after is State.DONE is not before
        made = Act.objects.filter(event=Event.GRADE_RECORDED, metadata__job=str(job.pk))
        assert made.count() == recorded <= 1
        transaction.set_rollback(True)


# Asking


def test_a_request_is_recorded_with_the_copys_cid(cast: Cast):
    job = cast.request()
    said = statement(bytes(job.copy.statement_id))
    assert said
    assert said.kind is Event.GRADING_REQUESTED
    assert said.cid == bytes(parse_cid(job.copy.cid))


def test_the_copy_is_wrapped_for_the_service_alone(cast: Cast):
    job = cast.request()
    assert job.copy.wraps.get().holder_id == cast.service.holder_id
    assert unseal(job.copy, cast.service.holder_id) == desensitised(IMAGE_B)


def test_the_service_gets_no_key_of_the_original(cast: Cast):
    cast.graded()
    holder = cast.service.holder_id
    assert not cast.image_b.wraps.filter(holder_id=holder).exists()
    assert not Document.objects.filter(wraps__holder_id=holder).exists()


def test_the_task_carries_the_jobs_id_and_nothing_else(
    cast: Cast, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = cast.request()
    (queued,) = OrmQ.objects.all()
    task = queued.task
    assert queued.key == "gpu"
    assert task["func"] == "diagnosis.tasks.grade"
    assert task["args"] == (str(job.pk),)
    assert task["kwargs"] == {}


def test_nothing_is_queued_where_the_request_is_rolled_back(
    cast: Cast, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        cast.request()
        transaction.set_rollback(True)
    assert not OrmQ.objects.exists()


def test_the_same_frame_is_not_graded_twice_at_once(cast: Cast):
    cast.request()
    with pytest.raises(Refused, match="being graded already"):
        cast.request()


def test_another_frame_and_a_finished_one_are(cast: Cast):
    cast.graded()
    cast.request()
    request_grading(
        image=cast.image_b, frame=1, desensitised_png=picture(3), by=cast.bea
    )
    assert cast.image_b.grading_jobs.count() == 3


@pytest.mark.parametrize("name", ["grace", "boris", "carl", "alan", "petra", "oscar"])
def test_who_has_no_doctors_part_in_the_care_cannot_ask(cast: Cast, name: str):
    with pytest.raises(Refused, match="Only a doctor of a hospital"):
        cast.request(by=cast.acting(name))


def test_a_doctor_asks_for_another_hospitals_image_with_consent_only(cast: Cast):
    with pytest.raises(Refused):
        cast.request(image=cast.image_a)
    cast.consent()
    job = cast.graded(image=cast.image_a)
    assert job.institution == cast.b
    assert job.report
    assert not may_read_document(cast.alan, job.report)


@pytest.mark.parametrize("kind", ["report", "copy"])
def test_only_images_are_graded(cast: Cast, kind: str):
    cast.consent()
    with pytest.raises(Refused):
        cast.request(image=getattr(cast.job, kind))


def test_a_doctor_lists_the_own_hospitals_jobs(cast: Cast):
    job = cast.request()
    assert set(visible_jobs(cast.bea)) == {job}
    assert set(visible_jobs(cast.alan)) == {cast.job}
    for name in ("grace", "boris", "carl", "petra"):
        assert not visible_jobs(cast.acting(name))


def test_the_place_in_the_queue_counts_who_asked_before(cast: Cast):
    jobs = [
        cast.request(image=add_image(cast.child, cast.bea, picture(seed)))
        for seed in range(3)
    ]
    assert [job.place_in_queue for job in jobs] == [1, 2, 3]
    claim(job_id=jobs[0].pk)
    assert [held(job).place_in_queue for job in jobs] == [0, 1, 2]


# Ending


def test_a_grade_is_sealed_for_hospital_patient_and_the_allowed(cast: Cast):
    job = cast.graded()
    assert job.report
    assert set(job.report.wraps.values_list("holder_id", flat=True)) == {
        cast.b.holder_id,
        cast.child.holder_id,
    }
    assert unseal(job.report, cast.child.holder_id) == REPORT


def test_a_grade_is_signed_by_the_service(cast: Cast):
    report_ = cast.graded().report
    assert report_
    said = statement(bytes(report_.statement_id))
    assert said
    assert said.kind is Event.GRADE_RECORDED
    signing = cast.service.holder.keys.get(purpose="signing")
    assert said.author_key_id == bytes(signing.key_id)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (State.QUEUED, True),
        (State.RUNNING, True),
        (State.FAILED, True),
        (State.DONE, False),
        (State.CANCELLED, False),
    ],
)
def test_the_services_key_goes_when_it_is_needed_no_more(
    cast: Cast, state: State, kept: bool
):
    """A failed job keeps it: it can be tried again."""
    assert reach(cast, state).copy.wraps.exists() is kept


def test_a_worker_whose_job_was_given_on_records_nothing(cast: Cast):
    job = reach(cast, State.SAVING)
    fall_silent(cast, job)
    second = claim(job_id=job.pk)
    assert second
    for late in (
        lambda: beat(job=job),
        lambda: advance(job=job, to=State.SAVING),
        lambda: record_grade(job=job, report=REPORT, model_version="test-1"),
        lambda: fail(job=job, sentence="No.", traceback=""),
    ):
        with pytest.raises(ClaimLost):
            late()
    assert held(job).state == State.PREPARING
    assert held(job).claim == second.claim


# Of another hospital


def test_a_hospital_neither_sees_nor_steers_what_another_one_asked(cast: Cast, sign_in):
    cast.consent()
    job = claim(job_id=cast.request(image=cast.image_a).pk)
    assert job
    fail(job=job, sentence="It did not work.", traceback="")
    address = reverse("job", args=[job.pk])
    assert sign_in("bea").get(address).status_code == 200
    assert sign_in("alan").get(address).status_code == 404
    history = sign_in("alan").get(reverse("patient", args=[cast.child.pk])).text
    assert "could not grade" not in history
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    for act in (cancel, retry):
        with pytest.raises(Refused, match="hospital that asked"):
            act(job=job, by=cast.alan)


# Dead workers


def test_a_silent_job_is_queued_again_and_its_task_too(
    cast: Cast, django_capture_on_commit_callbacks
):
    job = reach(cast, State.RUNNING)
    silence(job)
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep() == 1
    assert held(job).state == State.QUEUED
    assert [row.task["args"] for row in OrmQ.objects.all()] == [(str(job.pk),)]


def test_a_job_whose_task_was_lost_gets_another_one_once(
    cast: Cast, django_capture_on_commit_callbacks
):
    job = cast.request()
    GradingJob.objects.filter(pk=job.pk).update(queued_at=timezone.now() - 2 * LOST)
    OrmQ.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep() == 0
        sweep()
    assert [row.task["args"] for row in OrmQ.objects.all()] == [(str(job.pk),)]
    assert held(job).state == State.QUEUED


@pytest.mark.parametrize("state", sorted(set(State) - set(ACTIVE)))
def test_a_job_that_nobody_holds_is_not_swept(cast: Cast, state: State):
    silence(reach(cast, state))
    assert sweep() == 0


def test_a_living_worker_keeps_its_job(cast: Cast):
    job = reach(cast, State.RUNNING)
    assert sweep() == 0
    assert held(job).state == State.RUNNING


def test_after_too_many_dead_workers_the_job_fails_with_a_sentence(cast: Cast):
    job = cast.request()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claim(job_id=job.pk)
        assert held(job).attempts == attempt
        fall_silent(cast, job)
    job = held(job)
    assert job.state == State.FAILED
    assert job.failure == "The worker stopped 3 times while grading this image."
    assert Act.objects.filter(event=Event.GRADING_FAILED).count() == 1


def test_a_retry_starts_afresh(cast: Cast):
    job = reach(cast, State.FAILED)
    retry(job=job, by=cast.bea)
    job = held(job)
    assert (job.state, job.attempts, job.failure) == (State.QUEUED, 0, "")
    assert (job.claim, job.ended_at, job.traceback) == (None, None, "")


def test_a_frame_asked_for_again_meanwhile_is_not_retried(cast: Cast):
    job = reach(cast, State.FAILED)
    cast.request()
    with pytest.raises(Refused, match="being graded already"):
        retry(job=job, by=cast.bea)


# Two at the same moment


def at_the_same_moment(act: Callable[[], Any]) -> list[Any]:
    together, outcomes = threading.Barrier(2), []

    def once() -> None:
        together.wait(timeout=10)
        try:
            with in_the_name_of(UPKEEP):
                outcomes.append(act())
        except (Refused, ClaimLost) as refusal:
            outcomes.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(outcomes) == 2
    return outcomes


@pytest.mark.slow
def test_of_two_workers_one_gets_the_job(committed_cast: Cast):
    job = committed_cast.request()
    claims = at_the_same_moment(lambda: claim(job_id=job.pk))
    (won,) = [found for found in claims if found]
    assert held(job).claim == won.claim
    assert held(job).attempts == 1


@pytest.mark.slow
def test_of_two_requests_one_is_refused(committed_cast: Cast):
    cast = committed_cast
    image, bea = cast.image_b, cast.bea
    outcomes = at_the_same_moment(lambda: cast.request(image, bea))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "GradingJob",
        "Refused",
    ]
    assert image.grading_jobs.count() == 1
