"""What is left of a job is told from the jobs that were finished lately."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.actions.jobs import advance, beat, claim
from diagnosis.models import GradingJob, State
from diagnosis.pace import Pace, seconds_left, turn_in, usual_pace
from diagnosis.presentation import left_words
from tests.cast import Cast, add_image, picture

RUN = [
    ("preparing", 0.5),
    ("running", 0.0),
    ("segmenting", 4.0),
    ("merging", 0.5),
    ("classifying", 2.0),
    ("saving", 1.0),
]
NO_KIDNEY = [*RUN[:3], RUN[-1]]
SECONDS = st.floats(min_value=0, max_value=1e4)


def finished(job: GradingJob, **changes: object) -> None:
    GradingJob.objects.filter(pk=job.pk).update(**{"stages": RUN} | changes)


def test_a_job_tells_how_long_each_stage_took(cast: Cast):
    job = claim(job_id=cast.request().pk)
    assert job
    advance(job=job, to=State.RUNNING)
    beat(job=job, stage="segmenting")
    beat(job=job)  # a sign of life begins no stage
    advance(job=job, to=State.SAVING)
    told = GradingJob.objects.get(pk=job.pk)
    assert [name for name, _ in told.stages] == ["preparing", "running", "segmenting"]
    assert (told.phase, told.stage_at) == ("saving", job.stage_at)
    done = cast.graded(add_image(cast.child, cast.bea, picture(7)))
    assert [name for name, _ in done.stages] == ["preparing", "running", "saving"]
    assert all(seconds >= 0 for _, seconds in done.stages)


def test_a_second_try_starts_with_no_stage(cast: Cast):
    job = cast.request()
    finished(job, attempts=1)
    assert claim(job_id=job.pk)
    assert GradingJob.objects.get(pk=job.pk).stages == []


def test_the_pace_is_the_middle_of_each_stage_in_the_longest_run_s_order():
    slow = [(name, 3 * seconds) for name, seconds in RUN]
    pace = Pace.of([NO_KIDNEY, RUN, slow, []])
    assert pace
    assert [name for name, _ in pace.stages] == [name for name, _ in RUN]
    assert dict(pace.stages)["segmenting"] == 4.0
    assert dict(pace.stages)["merging"] == 1.0
    assert Pace.of([]) is Pace.of([[]]) is None


@given(st.lists(st.tuples(st.uuids(), SECONDS), min_size=1, max_size=8), SECONDS)
def test_what_is_left_shrinks_from_stage_to_stage_and_is_never_negative(run, elapsed):
    run = [(str(name), seconds) for name, seconds in run]
    pace = Pace.of([run])
    assert pace
    left = [pace.left(name, elapsed) for name in dict(run)]
    assert all(0 <= each <= pace.seconds * (1 + 1e-9) for each in left)
    assert pace.left(run[0][0], 0) == pytest.approx(pace.seconds)
    assert pace.left("a stage of tomorrow", 0) == pytest.approx(pace.seconds)
    assert all(
        later <= now * (1 + 1e-9)
        for now, later in zip(
            [pace.left(name, 0) for name in dict(run)],
            [pace.left(name, 0) for name in list(dict(run))[1:]],
            strict=False,
        )
    )


@given(
    busy=st.lists(SECONDS, max_size=5),
    before=st.integers(0, 30),
    each=st.floats(0.1, 100),
)
def test_a_turn_comes_no_sooner_with_more_before_and_no_later_with_more_workers(
    busy: list[float], before: int, each: float
):
    turn = turn_in(busy, before=before, each=each)
    assert turn <= turn_in(busy, before=before + 1, each=each)
    assert turn_in([*(busy or [0.0]), 0.0], before=before, each=each) <= turn
    if len(busy) < 2:  # one worker: the queue one after the other
        assert turn == pytest.approx(sum(busy) + before * each)


def test_the_estimate_is_of_the_version_that_graded_last(cast: Cast):
    finished(cast.job, stages=[["preparing", 900.0]], model_version="old")
    newer = cast.graded()
    finished(newer, model_version="new")
    pace = usual_pace()
    assert pace
    assert pace.seconds == pytest.approx(8.0)


def test_nobody_knows_before_the_first_grade(cast: Cast):
    finished(cast.job, stages=[])
    assert seconds_left(cast.request()) is None
    assert left_words(None) == ""


def test_the_queue_before_a_job_counts(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    finished(cast.job)
    first, second, third = (
        cast.request(image=add_image(cast.child, cast.bea, picture(seed)))
        for seed in range(3)
    )
    assert [seconds_left(job) for job in (first, second, third)] == pytest.approx(
        [8.0, 16.0, 24.0]
    )
    held = claim(job_id=first.pk)
    assert held
    advance(job=held, to=State.RUNNING, stage="segmenting")
    now = timezone.now()
    GradingJob.objects.filter(pk=held.pk).update(stage_at=now - timedelta(seconds=1))
    monkeypatch.setattr(timezone, "now", lambda: now)
    held.refresh_from_db()
    # 3 s of segmenting, merging, classifying, saving.
    assert seconds_left(held) == pytest.approx(6.5)
    assert seconds_left(second) == pytest.approx(14.5)


def test_the_page_and_programs_are_told(cast: Cast, sign_in):
    finished(cast.job)
    job, client = cast.request(), sign_in("bea")
    for page in ("job", "progress"):
        assert "about 8 seconds left" in client.get(reverse(page, args=[job.pk])).text
    address = reverse("api_job", args=[job.pk])
    assert client.get(address).json()["seconds_left"] == 8.0
    finished(cast.job, stages=[])
    assert client.get(address).json()["seconds_left"] is None
    done = sign_in("grace").get(reverse("api_job", args=[cast.job.pk])).json()
    assert done["seconds_left"] == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "longer than usual"),
        (0.2, "about 1 second left"),
        (61.0, "about 61 seconds left"),
        (100.0, "about 2 minutes left"),
    ],
)
def test_what_is_left_in_words(seconds: float, words: str):
    assert left_words(seconds) == words
