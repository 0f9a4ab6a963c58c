"""Brings what a worker put into a node of its own into the node of the portal."""

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from diagnosis.models import SetContent
from portal.row_security import UPKEEP, in_the_name_of
from records.content import content_store
from records.models import Document
from records.storage.cids import parse_cid


def queue_homecoming(result: Document | SetContent) -> None:
    """Let the portal's own worker fetch a result when the transaction commits.

    Nothing to do where contents lie in a folder: it is the same for all.
    """
    if not settings.IPFS_API:
        return
    what, result_id = type(result).__name__, str(result.pk)
    transaction.on_commit(
        lambda: async_task(
            "diagnosis.tasks.bring_home", what, result_id, cluster="default"
        ),
        robust=True,  # the result is there, and can be read through the swarm
    )


def bring_home(what: str, result_id: UUID) -> bool:
    """Read a result through the swarm and pin it, unless it is here or gone.

    Args:
        what: the model's name, `Document` or `SetContent`.
        result_id: which row.

    Returns:
        whether it was brought.

    Raises:
        StorageError: no node has it sound, or the own one does not answer.
    """
    with in_the_name_of(UPKEEP):
        cid = _cid(what, result_id)
        return cid is not None and content_store().mend(parse_cid(cid))


def _cid(what: str, result_id: UUID) -> str | None:
    rows = (
        Document.objects.kept()
        if what == Document.__name__
        else SetContent.objects.all()
    )
    found: str | None = rows.filter(pk=result_id).values_list("cid", flat=True).first()
    return found
