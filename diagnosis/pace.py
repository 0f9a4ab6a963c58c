"""How long grades take and what is left, from those that were finished lately."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Self

from django.utils import timezone

from diagnosis.models import GradingJob, State
from diagnosis.models.grading_job import ACTIVE
from portal.row_security import UPKEEP, in_the_name_of

RECENT = 20
Stage = tuple[str, float]
"""A stage's name, with the seconds that it took."""


@dataclass(frozen=True)
class Pace:
    """The usual seconds of each stage, in the order in which they come."""

    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, runs: Iterable[Sequence[Stage]]) -> Self | None:
        """The median of each stage over the runs; None of no run.

        The order is that of the longest run: one without a kidney skips stages.
        """
        kept = [dict(run) for run in runs if run]
        if not kept:
            return None
        order = max(kept, key=len)
        middle = {name: median(r[name] for r in kept if name in r) for name in order}
        return cls(tuple(middle.items()))

    @property
    def seconds(self) -> float:
        """From the claim to the end."""
        return sum(seconds for _name, seconds in self.stages)

    def left(self, stage: str, elapsed: float) -> float:
        """Seconds to the end, for a job that is ``elapsed`` seconds into a stage.

        0 where it should have ended by now. A stage that no run had counts as the
        first one.
        """
        names = [name for name, _seconds in self.stages]
        at = names.index(stage) if stage in names else 0
        now, later = self.stages[at][1], self.stages[at + 1 :]
        return max(0.0, now - elapsed) + sum(seconds for _name, seconds in later)


def usual_pace() -> Pace | None:
    """The pace of the model version that graded last; None before its first grade."""
    done = GradingJob.objects.filter(state=State.DONE).order_by("-ended_at")
    with in_the_name_of(UPKEEP):  # how long alone: whose they are stays unsaid
        last = done.values_list("model_version", flat=True).first()
        if last is None:
            return None
        same = done.filter(model_version=last).exclude(stages=[])
        return Pace.of(list(same.values_list("stages", flat=True)[:RECENT]))


def seconds_left(job: GradingJob) -> float | None:
    """Until the job is likely to be done; 0 once it has ended, None if nobody knows."""
    if job.is_finished:
        return 0.0
    if (pace := usual_pace()) is None:
        return None
    now = timezone.now()
    if job.state != State.QUEUED:
        return _left(job, pace, now)
    return pace.seconds + turn_in(
        [_left(other, pace, now) for other in _active()],
        before=job.place_in_queue - 1,
        each=pace.seconds,
    )


def turn_in(busy: Sequence[float], *, before: int, each: float) -> float:
    """Seconds until it is a waiting job's turn.

    Args:
        busy: seconds until each worker is free again. Somebody waits, so every worker
            is busy; where none is, one is taken to be free now.
        before: how many wait before this job.
        each: seconds that one job takes.
    """
    free = list(busy) or [0.0]
    heapq.heapify(free)
    for _ in range(before):
        heapq.heapreplace(free, free[0] + each)
    return free[0]


def _left(job: GradingJob, pace: Pace, now: datetime) -> float:
    began = job.stage_at or now
    return pace.left(job.phase, (now - began).total_seconds())


def _active() -> list[GradingJob]:
    with in_the_name_of(UPKEEP):
        return list(
            GradingJob.objects.filter(state__in=ACTIVE).only(
                "state", "stage", "stage_at"
            )
        )
