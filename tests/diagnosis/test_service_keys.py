"""A worker elsewhere has the diagnosis service's keys, and opens nothing else."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from diagnosis import tasks, transitions
from diagnosis.models import GradingJob, State
from portal.environment import EnvironmentProblem
from portal.errors import KeyUnavailable
from portal.keys import _opened, private_half, signer
from portal.master_keys import held_keys, master_keys
from records.models import Patient
from records.opening import unseal
from tests.cast import CHILD, Cast


def forget_keys() -> None:
    for known in (held_keys, master_keys, _opened):
        known.cache_clear()


@pytest.fixture
def elsewhere(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """This process has the service's keys in the master key's place."""
    path = tmp_path / "keys"
    call_command("service_keys", str(path), verbosity=0)
    with monkeypatch.context() as there:
        there.delenv("MASTER_KEY")
        there.setenv("SERVICE_KEYS_FILE", str(path))
        forget_keys()
        yield path
    forget_keys()


def test_the_file_is_for_its_owner_and_is_never_overwritten(cast: Cast, tmp_path: Path):
    path = tmp_path / "keys"
    call_command("service_keys", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(CommandError, match="cannot be made"):
        call_command("service_keys", str(path))
    assert path.read_bytes() == before


def test_the_service_s_keys_open_and_nobody_else_s(cast: Cast, elsewhere: Path):
    assert signer(cast.service.holder_id).key_id
    for holder in (cast.a.holder, cast.b.holder, cast.child.holder):
        for key in holder.keys.all():
            with pytest.raises(KeyUnavailable, match="not among them"):
                private_half(bytes(key.key_id))
    with pytest.raises(KeyUnavailable):
        unseal(cast.image_b, cast.b.holder_id)


def test_sealed_fields_stay_closed_and_cannot_be_written(cast: Cast, elsewhere: Path):
    child = Patient.objects.get(pk=cast.child.pk)
    assert child.full_name == "(sealed)"
    with pytest.raises(EnvironmentProblem, match="needs the master key"):
        child.save()
    forget_keys()


def test_a_worker_elsewhere_grades_and_the_hospital_reads_it(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = cast.request()
    path = tmp_path / "keys"
    call_command("service_keys", str(path), verbosity=0)
    with monkeypatch.context() as there:
        there.delenv("MASTER_KEY")
        there.setenv("SERVICE_KEYS_FILE", str(path))
        forget_keys()
        tasks.grade(str(job.pk))
    forget_keys()
    job = GradingJob.objects.get(pk=job.pk)
    assert (job.state, job.failure) == (State.DONE, "")
    assert job.report
    assert unseal(job.report, cast.b.holder_id)
    assert Patient.objects.get(pk=cast.child.pk).full_name == CHILD


def test_a_queue_that_does_not_answer_loses_no_job(
    committed_cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    def silent(*_: object, **__: object) -> None:
        raise OperationalError("Nobody is there.")

    monkeypatch.setattr(transitions, "async_task", silent)
    job = committed_cast.request()
    assert GradingJob.objects.get(pk=job.pk).state == State.QUEUED
