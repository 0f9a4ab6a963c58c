"""Tells who asked for a grade how it ended."""

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from diagnosis.models import GradingJob, State
from portal.actions.notifications import notify


def tell_the_end(job: GradingJob) -> None:
    """Notify who asked, in the transaction that ends the job; no patient is named."""
    facts = {
        "when": date_format(localtime(job.requested_at), "j M Y, H:i"),
        "id": job.correlation_id,
    }
    if job.state == State.DONE:
        sentence = _("The grade you asked for on %(when)s is ready.")
    else:
        sentence = _(
            "The image you sent on %(when)s could not be graded."
            " Quote %(id)s when you ask for help."
        )
    path = reverse("job", args=[job.pk])
    notify(person=job.requested_by, sentence=sentence % facts, path=path)
