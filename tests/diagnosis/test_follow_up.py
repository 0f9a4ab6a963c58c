"""A child's grades over time: what rises is marked, who confirmed it is said."""

import re
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO

import highdicom as hd
import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.actions.verdicts import judge_grade
from diagnosis.charts import Panel, spread
from diagnosis.grading.scale import Grade
from diagnosis.models import Verdict
from diagnosis.rises import rises
from ledger.events import Event
from records.actions.consents import withdraw_consent
from records.models import Act
from tests.cast import REASON, Cast

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([], []),
        ([0.1], [False]),
        ([0.1, 1.1], [False, True]),
        ([0.1, 1.0], [False, False]),
        ([2.0, 1.0, 0.0], [False, False, False]),
        ([0.0, 0.4, 0.8, 1.2], [False, False, False, True]),  # slowly, yet marked
        ([0.0, 1.0, 1.0, 1.5], [False, True, False, False]),  # once, not for ever
        ([0.0, 1.0, 2.0], [False, True, True]),
        ([1.0, None, 0.0, None, 1.0], [False, False, False, False, True]),
    ],
)
def test_a_rise_is_a_step_above_the_lowest_since_the_last_mark(values, marks):
    assert rises(values, 1.0) == marks


@given(st.lists(st.floats(0, 2)), st.floats(0.01, 1))
def test_what_never_rises_is_never_marked(values, step):
    assert not any(rises(sorted(values, reverse=True), step))


def test_moments_spread_as_time_does():
    moments = [START, START + timedelta(days=1), START + timedelta(days=4)]
    assert spread(moments, 0, 100) == [0, 25, 100]
    assert spread(moments[:1], 0, 100) == [50]
    assert spread([], 0, 100) == []


def test_heights_keep_to_the_panel():
    panel = Panel(left=0, right=100, top=10, bottom=110, low=0, high=2)
    assert [panel.y(value) for value in (-1, 0, 1, 2, 9)] == [110, 110, 60, 10, 10]


def course(cast: Cast) -> str:
    return reverse("follow_up", args=[cast.child.pk])


def overrule(cast: Cast, job) -> None:
    judge_grade(
        job=job,
        decision=Verdict.Decision.OVERRULED,
        grade=Grade.SFU_4,
        reason=REASON,
        by=cast.bea,
    )


def test_the_family_sees_every_hospital_s_grades_and_who_confirmed_them(
    cast: Cast, sign_in
):
    overrule(cast, cast.graded())
    page = sign_in("grace").get(course(cast))
    assert "confirmed by Alan Allgood" in page.text
    assert "Bea Bestcare sets SFU 4" in page.text
    assert len(re.findall(r"<circle", page.text)) == 4  # two pictures, two figures


def test_a_doctor_sees_what_they_may_open_and_each_opening_is_recorded(
    cast: Cast, sign_in
):
    cast.graded()
    opened = Act.objects.filter(event=Event.DOCUMENT_OPENED)
    before = opened.count()
    page = sign_in("bea").get(course(cast))
    assert "Alan Allgood" not in page.text
    assert opened.count() == before + 1
    consent = cast.consent()
    assert "confirmed by Alan Allgood" in sign_in("bea").get(course(cast)).text
    withdraw_consent(consent=consent, by=cast.grace)
    assert "Alan Allgood" not in sign_in("bea").get(course(cast)).text


def test_a_grade_set_a_class_higher_is_marked(cast: Cast, sign_in):
    cast.consent()
    overrule(cast, cast.graded())
    text = sign_in("bea").get(course(cast)).text
    assert text.count("▲ grade") == 1  # from 1 at A to 2 at B
    assert "▲ fluid" not in text


def test_without_grades_the_page_says_so(cast: Cast, sign_in):
    page = sign_in("bea").get(course(cast))
    assert "No grades yet" in page.text


def test_the_timeline_leads_to_the_course(cast: Cast, sign_in):
    page = sign_in("grace").get(reverse("patient", args=[cast.child.pk]))
    assert course(cast) in page.text
    page = sign_in("boris").get(reverse("patient", args=[cast.child.pk]))
    assert course(cast) not in page.text


# Taken along as DICOM


def test_a_grade_is_downloaded_as_image_segmentation_and_report(cast: Cast, sign_in):
    before = Act.objects.filter(event=Event.DOCUMENT_OPENED).count()
    answer = sign_in("alan").get(reverse("grade_dicom", args=[cast.job.pk]))
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(BytesIO(answer.content))
    assert archive.namelist() == ["image.dcm", "segmentation.dcm", "report.dcm"]
    segments = hd.seg.segread(BytesIO(archive.read("segmentation.dcm")))
    told = hd.sr.srread(BytesIO(archive.read("report.dcm")))
    assert str(segments.PatientName).startswith("Kim Abernathy")
    assert segments.StudyInstanceUID == told.StudyInstanceUID
    assert Act.objects.filter(event=Event.DOCUMENT_OPENED).count() == before + 2
