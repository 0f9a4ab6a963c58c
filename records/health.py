"""How what is stored is, in words for those who look after it."""

from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.health import Check
from portal.row_security import UPKEEP, in_the_name_of
from records.models import Document

LONG = timedelta(days=45)
"""A month, with room for nights on which the storage did not answer."""
LATELY = timedelta(days=7)


def checks() -> list[Check]:
    """What was found when sealed contents were read again."""
    now = timezone.now()
    with in_the_name_of(UPKEEP):
        found = Document.objects.kept().aggregate(
            total=Count("pk"),
            damaged=Count("pk", filter=~Q(damage="")),
            mended=Count("pk", filter=Q(mended_at__gt=now - LATELY)),
            mended_at=Max("mended_at"),
            oldest=Min(Coalesce("scrubbed_at", "created_at")),
        )
    if found["damaged"]:
        return [_damaged(found["damaged"])]
    if found["mended"]:
        return [_mended(found["mended"], found["mended_at"])]
    oldest = found["oldest"]
    if oldest and oldest < now - LONG:
        sentence = _(
            "Some were not hashed again for long: do the workers run at night?"
        )
        return [Check(_("Sealed contents"), "attention", sentence, oldest)]
    return [_fine(found["total"], oldest)]


def _damaged(count: int) -> Check:
    sentence = ngettext(
        "%(count)s content is damaged or missing in the storage;"
        " scrub_storage says which. Bring it back from a backup of the storage.",
        "%(count)s contents are damaged or missing in the storage;"
        " scrub_storage says which. Bring them back from a backup of the storage.",
        count,
    )
    return Check(_("Sealed contents"), "wrong", sentence % {"count": count})


def _mended(count: int, at: datetime) -> Check:
    """A disk that lost one block may lose the next: somebody should look."""
    sentence = ngettext(
        "%(count)s content was damaged or missing and was mended from another"
        " institution's node in the last week. Look at the storage it lay in.",
        "%(count)s contents were damaged or missing and were mended from another"
        " institution's node in the last week. Look at the storage they lay in.",
        count,
    )
    return Check(_("Sealed contents"), "attention", sentence % {"count": count}, at)


def _fine(count: int, oldest: datetime | None) -> Check:
    sentence = ngettext(
        "%(count)s is stored; each is hashed again within a month.",
        "%(count)s are stored; each is hashed again within a month.",
        count,
    )
    return Check(_("Sealed contents"), "fine", sentence % {"count": count}, oldest)
