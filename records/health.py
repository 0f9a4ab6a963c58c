"""How what is stored is, in words for those who look after it."""

from datetime import timedelta

from django.db.models import Min
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.health import Check
from portal.row_security import UPKEEP, in_the_name_of
from records.models import Document

LONG = timedelta(days=45)
"""A month, with room for nights on which the storage did not answer."""


def checks() -> list[Check]:
    """What was found when sealed contents were read again."""
    kept, last = Document.objects.kept(), Coalesce("scrubbed_at", "created_at")
    with in_the_name_of(UPKEEP):
        damaged, total = kept.exclude(damage="").count(), kept.count()
        oldest = kept.aggregate(at=Min(last))["at"]
    name = _("Sealed contents")
    if damaged:
        sentence = ngettext(
            "%(count)s content is damaged or missing in the storage;"
            " scrub_storage says which. Bring it back from a backup of the storage.",
            "%(count)s contents are damaged or missing in the storage;"
            " scrub_storage says which. Bring them back from a backup of the storage.",
            damaged,
        )
        return [Check(name, "wrong", sentence % {"count": damaged})]
    if oldest and oldest < timezone.now() - LONG:
        sentence = _(
            "Some were not hashed again for long: do the workers run at night?"
        )
        return [Check(name, "attention", sentence, oldest)]
    sentence = ngettext(
        "%(count)s is stored; each is hashed again within a month.",
        "%(count)s are stored; each is hashed again within a month.",
        total,
    )
    return [Check(name, "fine", sentence % {"count": total}, oldest)]
