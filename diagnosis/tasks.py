"""What the clusters run; each task carries one id at most."""

from uuid import UUID

from diagnosis import homecoming
from diagnosis.actions.jobs import sweep
from diagnosis.actions.set_checks import sweep_checks
from diagnosis.actions.set_runs import sweep_runs
from portal.row_security import UPKEEP, in_the_name_of


def grade(job_id: str) -> None:
    """Grade one job. Delivered twice means done once."""
    # Imported here: only the gpu cluster may import torch.
    from diagnosis.worker import run

    run(UUID(job_id))


def sweep_jobs() -> int:
    """Take jobs from dead workers."""
    with in_the_name_of(UPKEEP):
        return sweep()


def check_set(set_id: str) -> None:
    """Look at one data set's files. Delivered twice means done once."""
    from diagnosis.set_examiner import check

    check(UUID(set_id))


def grade_set(run_id: str) -> None:
    """Grade a data set's next pictures. Delivered twice means done once."""
    # Imported here: only the gpu cluster may import torch.
    from diagnosis.set_worker import run

    run(UUID(run_id))


def compare_run(run_id: str) -> None:
    """Grade a set's next pictures directly. Delivered twice means counted once."""
    from diagnosis.set_comparing import compare_slice

    compare_slice(UUID(run_id))


def validate_run(run_id: str) -> None:
    """Measure a finished run on the hospital's labels. Delivered twice means kept once."""
    # Imported here: it brings scikit-learn and matplotlib.
    from diagnosis.set_validating import validate

    validate(UUID(run_id))


def bring_home(what: str, result_id: str) -> bool:
    """Bring a result into the portal's node. Delivered twice means brought once."""
    return homecoming.bring_home(what, UUID(result_id))


def sweep_data_sets() -> int:
    """Take data sets and runs from dead workers."""
    with in_the_name_of(UPKEEP):
        return sweep_checks() + sweep_runs()
