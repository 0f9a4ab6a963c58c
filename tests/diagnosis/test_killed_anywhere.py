"""A worker killed before any of its statements leaves a job that ends once."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

import pytest
from django.db import connection
from django.db.models import F
from django_q.models import OrmQ

from diagnosis.actions.jobs import sweep
from diagnosis.models import GradingJob, State
from ledger.events import Event
from ledger.models import Inbox
from portal.environment import BASE
from portal.models import Notification
from portal.tasks import mail_notifications
from records.models import Act, Document
from tests.cast import Cast, add_image, picture
from tests.conftest import head_of

pytestmark = pytest.mark.slow
KILLED = 9


@dataclass
class Workers:
    """Real worker processes, forked from one that has loaded the networks."""

    process: "subprocess.Popen[str]"

    def run(self, job: GradingJob, *, dying_before: int = 0) -> tuple[int, list[str]]:
        """The signal that ended the worker, and its statements' first words."""
        assert self.process.stdin
        assert self.process.stdout
        self._tell(self.process.stdin, f"{job.pk} {dying_before}\n")
        ended, statements = json.loads(self.process.stdout.readline())
        return ended, statements

    @staticmethod
    def _tell(stream: IO[str], line: str) -> None:
        stream.write(line)
        stream.flush()


@pytest.fixture
def workers(committed_cast: Cast) -> Iterator[Workers]:
    name = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PYTHONWARNINGS": "ignore",
        "LEDGER_HEAD": str(head_of(name)),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.diagnosis.dying_worker", name],
        cwd=BASE,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Workers(process)
        assert process.stdin
        process.stdin.close()


def requested(cast: Cast, seed: int) -> GradingJob:
    return cast.request(image=add_image(cast.child, cast.bea, picture(seed)))


def silent(job: GradingJob) -> None:
    """Half a minute passes."""
    GradingJob.objects.filter(pk=job.pk).update(
        heard_at=F("heard_at") - timedelta(seconds=30)
    )


def test_killed_before_any_statement_a_job_ends_once(
    committed_cast: Cast, workers: Workers
):
    cast = committed_cast
    signal, statements = workers.run(requested(cast, 1000))
    assert signal == 0
    states, verbs = set(), set()
    for number in range(1, len(statements) + 1):
        job = requested(cast, 1000 + number)
        signal, sent = workers.run(job, dying_before=number)
        assert (signal, len(sent)) == (KILLED, number)
        verbs.add(sent[-1].split()[0])
        left = GradingJob.objects.get(pk=job.pk)
        states.add(left.state if left.state != State.RUNNING else left.phase)
        before = left.attempts
        silent(job)
        taken = sweep()
        # Delivered again, twice: by the sweeper, and by the broker, which knew no end.
        for _ in range(2):
            assert workers.run(job)[0] == 0
        check_ended_once(cast, job, number)
        assert GradingJob.objects.get(pk=job.pk).attempts == before + (
            left.state != State.DONE
        )
        assert taken == (left.state not in {State.QUEUED, State.DONE})
    assert states >= {*State} - {State.FAILED, State.CANCELLED, State.RUNNING}
    assert states & {"running", "segmenting"}
    assert {"INSERT", "UPDATE", "DELETE"} <= verbs


def check_ended_once(cast: Cast, job: GradingJob, number: int) -> None:
    done = GradingJob.objects.get(pk=job.pk)
    where = f"killed before statement {number}"
    assert done.state == State.DONE, where
    reports = Document.objects.filter(
        kind=Document.Kind.GRADE_REPORT, about=job.image_id
    )
    assert [done.report_id] == list(reports.values_list("pk", flat=True)), where
    acts = Act.objects.filter(metadata__job=str(job.pk))
    (recorded,) = acts.filter(event=Event.GRADE_RECORDED)
    assert not acts.filter(event=Event.GRADING_FAILED).exists(), where
    assert Inbox.objects.filter(statement_id=recorded.statement_id).count() == 1
    assert not done.copy.wraps.exists(), where
    told = Notification.objects.filter(person=cast.bea.user, path__contains=str(job.pk))
    assert told.count() == 1, where


def test_who_asked_is_mailed_though_the_task_of_the_mail_was_lost(
    committed_cast: Cast, workers: Workers
):
    """The mail is queued after the job has ended."""
    cast = committed_cast
    mail_notifications()
    _, statements = workers.run(requested(cast, 1))
    queueing = statements.index('INSERT INTO "django_q_ormq"') + 1
    assert mail_notifications() == 1
    OrmQ.objects.all().delete()
    job = requested(cast, 2)
    assert workers.run(job, dying_before=queueing)[0] == KILLED
    assert GradingJob.objects.get(pk=job.pk).state == State.DONE
    assert not [r for r in OrmQ.objects.all() if "mail" in r.task["func"]]
    assert mail_notifications() == 1
