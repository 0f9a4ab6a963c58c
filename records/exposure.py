"""Says which documents an old sealing key may have opened."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from portal.keys import live_since
from portal.models import Institution
from records.models import Document, Patient


def exposed(holder: Institution | Patient) -> QuerySet[Document]:
    """Those whose data key is older than the holder's sealing key of today.

    Of an institution: what it made, may read or has read, and the histories that it
    was ever allowed to read, because somebody may have kept wraps that are deleted now.

    Raises:
        KeyUnavailable: the holder has no live key.
    """
    since = live_since(holder.holder_id)
    older = (
        Document.objects.kept()
        .alias(sealed_at=Coalesce("resealed_at", "created_at"))
        .filter(sealed_at__lt=since)
    )
    if isinstance(holder, Patient):
        return older.filter(patient=holder)
    known = Document.objects.filter(
        Q(institution=holder)
        | Q(wraps__holder=holder.holder_id)
        | Q(acts__institution=holder)
        | Q(patient__consents__institution=holder)
    )
    return older.filter(pk__in=known.order_by().values("pk"))
