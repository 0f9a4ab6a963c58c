"""What the background workers do for the records."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone
from django.utils.formats import date_format
from django_q.tasks import async_task

from portal.roles import REVIEW_EMERGENCIES, ROLES
from portal.row_security import UPKEEP, in_the_name_of
from records.actions.majority import end_guardianships as end_guardianships_of
from records.content import content_store
from records.models import Document, EmergencyAccess, Enrolment, Erasure
from records.scrubbing import SHARE, scrub, share_of
from records.storage.cids import parse_cid
from records.storage.errors import StoreUnavailable

SLICE_S = 20.0
"""Seconds at once, far below a task's time limit."""

log = logging.getLogger(__name__)


def scrub_storage(left: int | None = None) -> None:
    """Hash a share of what is stored again, slice by slice.

    Args:
        left: how many documents of tonight's share are left; all of it without.
    """
    try:
        with in_the_name_of(UPKEEP):
            wanted = share_of(SHARE) if left is None else left
            done = scrub(wanted, seconds=SLICE_S)
    except StoreUnavailable as error:
        # The next night looks at the same ones first.
        log.warning("The storage could not be scrubbed: %s", error)
        return
    if rest := wanted - done.looked_at if done.looked_at else 0:
        async_task("records.tasks.scrub_storage", rest)


def tell_of_emergency(access_id: int) -> int:
    """Mail to guardians and to the hospital's admins, without a name of a patient.

    Returns:
        how many people were told.
    """
    with in_the_name_of(UPKEEP):
        access = EmergencyAccess.objects.select_related("institution").get(pk=access_id)
        guardians = access.patient.guardians.active()
        judging = [role for role, held in ROLES.items() if REVIEW_EMERGENCIES in held]
        admins = access.institution.memberships.filter(role__in=judging)
        told = [
            *(
                (each.user.email, "/family/")
                for each in guardians.select_related("user")
            ),
            *(
                (each.user.email, "/emergencies/")
                for each in admins.select_related("user")
            ),
        ]
    at = date_format(timezone.localtime(access.opened_at), "j F Y, H:i")
    refused = []
    for address, page in told:
        try:
            _mail(address, page, access.institution.name, at)
        except (OSError, SMTPException) as error:
            # One address that takes nothing must not silence the others.
            refused.append(error)
    if refused:
        raise refused[0]
    return len(told)


def _mail(address: str, page: str, hospital: str, at: str) -> None:
    send_mail(
        "A history was opened in an emergency",
        f"A doctor of {hospital} opened a history in an emergency on {at}."
        f" It closes after an hour.\n\nSign in to see whose, by whom and why:"
        f" {settings.PUBLIC_URL}{page}\n",
        None,
        [address],
    )


def end_guardianships() -> int:
    """End what guardians may do for patients who came of age.

    Returns:
        for how many patients.
    """
    ended = 0
    with in_the_name_of(UPKEEP):
        in_care = Enrolment.objects.filter(
            ended_at=None,
            patient__guardians__ended_at=None,
            patient__guardians__is_patient=False,
        )
        for enrolment in in_care.select_related("patient", "institution").distinct():
            ended += bool(
                end_guardianships_of(
                    patient=enrolment.patient, institution=enrolment.institution
                )
            )
    return ended


def remove_erased() -> int:
    """Take the blocks of what was erased out of the store.

    Safe to run again: what the store did not answer for goes the next night.

    Returns:
        how many erasures are through.
    """
    with in_the_name_of(UPKEEP):
        open_ones = Erasure.objects.filter(
            decision=Erasure.Decision.DONE, removed_at=None
        )
        erasures = [each.pk for each in open_ones]
        gone = Document.objects.filter(erasure__in=erasures)
        pairs = list(gone.values_list("cid", "replaced_cid"))
    if not erasures:
        return 0
    store = content_store()
    try:
        for text in (text for pair in pairs for text in pair if text):
            store.remove(parse_cid(text))
        store.collect()
    except StoreUnavailable as error:
        log.warning("What was erased is still stored: %s", error)
        return 0
    with in_the_name_of(UPKEEP):
        return Erasure.objects.filter(pk__in=erasures).update(removed_at=timezone.now())
