"""What the background workers do for the ledger; each task carries one id at most."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_q.tasks import async_task

from ledger.author_checks import AuthorChecks
from ledger.body_checks import sample_bodies
from ledger.entry_checks import Fault
from ledger.errors import LedgerError
from ledger.inspection import Ask, inspect
from ledger.models import Inspection
from ledger.site import author_keys, connect, head_guard, log_signer, origin
from ledger.witnessed import standing
from ledger.witnessing import anchoring
from ledger.witnessing.watching import watch_logs

SLICE = 50_000  # entries at once: ten seconds, far below a task's time limit
BODIES = 20  # fetched again each night
NAME = "anamnesis-inspection"


def compare_views() -> int:
    """Look whether a log, this one included, has shown somebody another history."""
    return watch_logs()


def anchor_logs() -> int:
    """Enter the checkpoints of the logs that this site witnesses in its own."""
    # A little less, so that a schedule that runs a little early does not skip a turn.
    every = timedelta(minutes=settings.LEDGER_ANCHOR_MINUTES) * 0.9
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
    kept = head_guard().read()
    ask = Ask(
        origin(),
        log_signer().public_key,
        witnesses=standing().policy.witness_keys,
        since=inspection.certified,
        most=SLICE,
        kept=[kept] if kept else [],
    )
    # In this process: a worker may have no children. What an earlier night has
    # found signed need not be asked again, for its bytes are.
    authors = AuthorChecks(author_keys, cores=0, since=_signed_until(inspection))
    with connect(NAME) as connection, connect(NAME) as beside, authors:
        report = inspect(connection, beside, ask, also=authors)
    inspection.certified = report.certified
    inspection.checkpoints += report.checkpoints
    if report.fault:
        return _end(inspection, report.fault)
    if not report.is_whole:
        return False
    bodies = sample_bodies(BODIES)
    inspection.bodies = bodies.checked
    return _end(inspection, *bodies.faults)


def _end(inspection: Inspection, *faults: Fault) -> bool:
    for fault in faults[:1]:
        inspection.first_bad, inspection.trouble = fault.seq, fault.sentence
    return True


def _signed_until(inspection: Inspection) -> int:
    """Up to where the authors' signatures were found to hold on an earlier night."""
    earlier = Inspection.objects.filter(
        trouble="", finished_at__lt=inspection.started_at
    )
    last = earlier.order_by("-finished_at").first()
    return last.certified if last else 0
