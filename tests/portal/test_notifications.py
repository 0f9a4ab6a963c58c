"""Who is told is told once, in the portal and by a mail without a patient's name."""

from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from diagnosis.actions.jobs import claim, fail
from diagnosis.models import GradingJob
from portal import tasks
from portal.actions.notifications import notify
from portal.models import Notification
from portal.models.notification import WORTH_A_MAIL
from portal.tasks import mail_notifications
from tests.cast import CHILD, PEOPLE, Cast, email


@pytest.fixture(autouse=True)
def nothing_told_before(cast: Cast) -> None:
    Notification.objects.all().delete()


def told(cast: Cast, name: str = "bea", sentence: str = "It is done.") -> Notification:
    return notify(person=cast.acting(name).user, sentence=sentence, path="/grades/")


def failed(cast: Cast) -> GradingJob:
    job = claim(job_id=cast.request().pk)
    assert job
    fail(job=job, sentence="It did not work.", traceback="")
    return GradingJob.objects.get(pk=job.pk)


# The end of a job


def test_who_asked_is_told_of_the_grade_and_nobody_else(cast: Cast):
    job = cast.graded()
    (row,) = Notification.objects.all()
    assert row.person == cast.bea.user
    assert row.path == reverse("job", args=[job.pk])
    assert "is ready" in row.sentence


def test_who_asked_is_told_of_a_failure_with_what_to_quote(cast: Cast):
    job = failed(cast)
    (row,) = Notification.objects.all()
    assert row.person == cast.bea.user
    assert job.correlation_id in row.sentence
    assert "could not be graded" in row.sentence


def test_the_page_of_the_grade_makes_it_read(cast: Cast, sign_in):
    job, other = cast.graded(), told(cast)
    address, bea = reverse("job", args=[job.pk]), sign_in("bea")
    # That somebody else sees the page says nothing of who asked.
    sign_in("grace").get(address)
    assert Notification.objects.unread().count() == 2
    bea.get(address)
    assert Notification.objects.unread().get() == other


# The bell and its page


def test_the_bell_counts_what_is_unread(cast: Cast, sign_in):
    for _ in range(3):
        told(cast)
    assert "Notifications, 3 unread" in sign_in("bea").get(reverse("patients")).text
    assert "Notifications, 0 unread" in sign_in("boris").get(reverse("patients")).text


def test_opening_one_leads_to_its_page_and_makes_it_read(cast: Cast, sign_in):
    first, second = told(cast), told(cast)
    response = sign_in("bea").post(reverse("open_notification", args=[first.pk]))
    assert response.headers["Location"] == "/grades/"
    assert Notification.objects.unread().get() == second


def test_another_s_is_neither_listed_nor_opened_nor_made_read(cast: Cast, sign_in):
    row = told(cast, sentence="Only for Bea.")
    carl = sign_in("carl")
    assert "Only for Bea." not in carl.get(reverse("notifications")).text
    assert carl.post(reverse("open_notification", args=[row.pk])).status_code == 404
    carl.post(reverse("read_notifications"))
    assert Notification.objects.unread().get() == row
    bea = sign_in("bea")
    assert "Only for Bea." in bea.get(reverse("notifications")).text
    bea.post(reverse("read_notifications"))
    assert not Notification.objects.unread()


@pytest.mark.parametrize("path", ["", "grades/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_led_out_of_the_portal(cast: Cast, path: str):
    with pytest.raises(IntegrityError), transaction.atomic():
        notify(person=cast.bea.user, sentence="Look!", path=path)


# By mail


def test_a_mail_goes_out_once_by_a_worker_and_names_no_patient(
    cast: Cast, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = cast.graded()
    assert mail.outbox == []
    queued = [row.task for row in OrmQ.objects.all()]
    assert [task["args"] for task in queued if task["func"].startswith("portal")] == [
        ()
    ]
    assert [mail_notifications(), mail_notifications()] == [1, 0]
    (message,) = mail.outbox
    assert message.to == [email("bea")]
    assert reverse("job", args=[job.pk]) in str(message.body)
    for named in (*CHILD.split(), PEOPLE["grace"]):
        assert named not in f"{message.subject} {message.body}"


def test_nobody_is_told_of_what_was_rolled_back(
    cast: Cast, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        told(cast)
        transaction.set_rollback(True)
    assert not Notification.objects.exists()
    assert not OrmQ.objects.exists()


def test_an_address_that_takes_nothing_silences_nobody_and_is_tried_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    deaf = True

    def refusing(*args: Any) -> int:
        if deaf and args[-1] == [email("bea")]:
            raise SMTPException("no such mailbox")
        return mail.send_mail(*args)

    monkeypatch.setattr(tasks, "send_mail", refusing)
    told(cast), told(cast, "grace")
    assert mail_notifications() == 1
    assert "no such mailbox" in caplog.text
    deaf = False
    assert mail_notifications() == 1
    assert [message.to for message in mail.outbox] == [[email("grace")], [email("bea")]]


def test_who_has_no_account_any_more_gets_no_mail_and_old_ones_are_given_up(cast: Cast):
    told(cast, "grace")
    cast.grace.user.is_active = False
    cast.grace.user.save()
    old = told(cast)
    old.made_at = timezone.now() - WORTH_A_MAIL - timedelta(minutes=1)
    old.save()
    assert mail_notifications() == 0
