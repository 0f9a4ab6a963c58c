"""What the background workers do for the ledger; each task carries one id at most."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_q.tasks import async_task

from ledger.body_checks import sample_bodies
from ledger.errors import LedgerError
from ledger.inspection import Ask, inspect
from ledger.models import Inspection
from ledger.site import connect, log_signer, origin
from ledger.witnessed import standing
from ledger.witnessing import anchoring
from ledger.witnessing.watching import watch_logs

SLICE = 500_000  # entries at once: seconds, far below a task's time limit
BODIES = 20  # fetched again each night
NAME = "anamnesis-inspection"


def compare_views() -> int:
    """Look whether a log, this one included, has shown somebody another history."""
    return watch_logs()


def anchor_logs() -> int:
    """Enter the checkpoints of the logs that this site witnesses in its own."""
    every = timedelta(minutes=settings.LEDGER_ANCHOR_MINUTES)
    return anchoring.anchor_logs(every=every)


def inspect_log(inspection_id: int | None = None) -> None:
    """Look at the whole log, slice by slice: each goes on where the last one ended.

    Args:
        inspection_id: of the inspection to go on with; a new one without.
    """
    if inspection_id is None:
        inspection = Inspection.objects.create()
    else:
        inspection = Inspection.objects.get(pk=inspection_id)
    if inspection.finished_at:
        return
    try:
        is_done = _inspect_slice(inspection)
    except LedgerError as error:
        inspection.trouble, is_done = str(error), True
    if is_done:
        inspection.finished_at = timezone.now()
    inspection.save()
    if not is_done:
        async_task("ledger.tasks.inspect_log", inspection.pk)


def _inspect_slice(inspection: Inspection) -> bool:
    """Look at the next entries; whether there is nothing more to look at."""
    ask = Ask(
        origin(),
        log_signer().public_key,
        witnesses=standing().policy.witness_keys,
        since=inspection.certified,
        most=SLICE,
    )
    with connect(NAME) as connection, connect(NAME) as beside:
        report = inspect(connection, beside, ask)
    grown = report.certified > inspection.certified
    inspection.certified = report.certified
    inspection.checkpoints += report.checkpoints
    if report.fault:
        inspection.first_bad = report.fault.seq
        inspection.trouble = report.fault.sentence
        return True
    if grown and report.entries - ask.since >= SLICE:
        return False
    bodies = sample_bodies(BODIES)
    inspection.bodies = bodies.checked
    if bodies.faults:
        inspection.first_bad = bodies.faults[0].seq
        inspection.trouble = bodies.faults[0].sentence
    return True
