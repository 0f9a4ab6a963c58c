"""Data sets on their way, for the tests."""

from collections.abc import Mapping

from diagnosis import set_examiner, set_worker
from diagnosis.actions.data_sets import add_data_set, request_run
from diagnosis.models import DataSet, Purpose, SetRun
from portal.acting import Acting
from tests.diagnosis.intake.archives import labelled_set, zipped


def sent(
    by: Acting,
    files: Mapping[str, bytes] | None = None,
    purpose: Purpose = Purpose.GRADING,
) -> DataSet:
    """An archive that was uploaded and waits to be looked at."""
    data = zipped(labelled_set(1) if files is None else files)
    return add_data_set(title="Spring", purpose=purpose, content=[data], by=by)


def checked(
    by: Acting,
    files: Mapping[str, bytes] | None = None,
    purpose: Purpose = Purpose.GRADING,
) -> DataSet:
    """One that was looked at."""
    data_set = sent(by, files, purpose)
    set_examiner.check(data_set.pk)
    return reread(data_set)


def given(
    by: Acting,
    files: Mapping[str, bytes] | None = None,
    purpose: Purpose = Purpose.GRADING,
) -> SetRun:
    """One that was given to the service."""
    return request_run(data_set=checked(by, files, purpose), by=by)


def graded(
    by: Acting,
    files: Mapping[str, bytes] | None = None,
    purpose: Purpose = Purpose.GRADING,
) -> SetRun:
    """One that came back."""
    run = given(by, files, purpose)
    set_worker.run(run.pk)
    return now(run)


def reread(data_set: DataSet) -> DataSet:
    return DataSet.objects.get(pk=data_set.pk)


def now(run: SetRun) -> SetRun:
    return SetRun.objects.get(pk=run.pk)
