"""What the background workers do for people."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from portal.models import Notification
from portal.row_security import UPKEEP, in_the_name_of

log = logging.getLogger(__name__)


def mail_notifications() -> int:
    """Mail what people were told and have not been mailed yet.

    Runs when somebody is told, and every minute for what a dead worker or a deaf mail
    server left. Two at once send nothing twice; a worker that dies between the mail
    and its commit does, which is better than none.

    Returns:
        how many mails went out.
    """
    with in_the_name_of(UPKEEP):
        waiting = list(Notification.objects.to_mail().values_list("pk", flat=True))
        return sum(_mailed(pk) for pk in waiting)


@transaction.atomic
def _mailed(notification_id: int) -> bool:
    held = Notification.objects.to_mail().select_for_update(
        skip_locked=True, of=("self",)
    )
    told = held.select_related("person").filter(pk=notification_id).first()
    if told is None:
        return False
    try:
        send_mail(
            told.sentence,
            f"{told.sentence}\n\nSign in to see it: {settings.PUBLIC_URL}{told.path}\n",
            None,
            [told.person.email],
        )
    except (OSError, SMTPException) as error:
        # One address that takes nothing must not silence the others.
        log.warning("A mail could not be sent: %s", error)
        return False
    told.mailed_at = timezone.now()
    told.save(update_fields=["mailed_at"])
    return True
