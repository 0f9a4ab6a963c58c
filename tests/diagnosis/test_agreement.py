"""Agreement is counted honestly, and for the right people."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.actions.verdicts import judge_grade
from diagnosis.agreement import Tally, last_words, wilson
from diagnosis.grading.scale import Grade
from diagnosis.models import GradingJob, Verdict
from diagnosis.permissions import countable_verdicts
from portal.acting import Acting
from portal.errors import Refused
from portal.row_security import in_the_name_of
from records.models import Act
from tests.cast import REASON, Cast

START = datetime(2026, 1, 1, tzinfo=UTC)


# The interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 1998;17:857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_mirrors(trials, data):
    successes = data.draw(st.integers(0, trials))
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    mirrored = wilson(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_who_cannot_tell_neither_agrees_nor_disagrees():
    tally = Tally.of("all", ["accepted", "undecided", "overruled", "accepted"])
    assert (tally.accepted, tally.overruled, tally.undecided) == (2, 1, 1)
    assert tally.percent == pytest.approx(200 / 3)
    assert Tally.of("none", ["undecided"]).percent is None
    assert Tally.of("none", []).between is None


def test_who_judges_again_corrects():
    def word(job, by, days, decision):
        at = START + timedelta(days=days)
        return SimpleNamespace(job_id=job, by_id=by, at=at, decision=decision)

    words = [
        word(1, 1, 3, "overruled"),
        word(1, 1, 1, "accepted"),
        word(1, 2, 2, "accepted"),
    ]
    assert [w.decision for w in last_words(words)] == ["accepted", "overruled"]


# Not to know


def undecided(job: GradingJob, by: Acting, reason: str = REASON) -> Verdict:
    return judge_grade(
        job=job,
        decision=Verdict.Decision.UNDECIDED,
        grade=Grade.SFU_4,
        reason=reason,
        by=by,
    )


def test_a_doctor_may_not_know_and_says_why(cast: Cast):
    verdict = undecided(cast.graded(), cast.bea)
    assert verdict.model_version == "test-1"
    act = Act.objects.get(statement_id=verdict.document.statement_id)
    assert act.sentence.startswith("A doctor could not tell")


def test_not_to_know_needs_a_reason(cast: Cast, sign_in):
    job = cast.graded()
    with pytest.raises(Refused, match="keeps you from telling"):
        undecided(job, cast.bea, "  ")
    page = sign_in("bea").post(
        reverse("judge", args=[job.pk]), {"decision": "undecided", "reason": " "}
    )
    assert page.status_code == 422
    assert "Say what keeps you from telling." in page.text
    assert not job.verdicts.exists()


def test_the_page_says_that_nobody_could_tell(cast: Cast, sign_in):
    job = cast.graded()
    page = sign_in("bea").post(
        reverse("judge", args=[job.pk]),
        {"decision": "undecided", "reason": REASON},
        follow=True,
    )
    assert "Bea Bestcare cannot tell" in page.text


# Who counts what


def counted(acting: Acting) -> set[int]:
    with in_the_name_of(acting.party):
        return set(countable_verdicts(acting).values_list("pk", flat=True))


def test_each_counts_their_own(cast: Cast):
    at_a = cast.job.verdicts.get().pk
    at_b = undecided(cast.graded(), cast.bea).pk
    assert counted(cast.alan) == counted(cast.ada) == {at_a}
    assert counted(cast.bea) == counted(cast.boris) == {at_b}
    assert counted(cast.carl) == counted(cast.grace) == set()


def test_an_admin_counts_verdicts_but_opens_none(cast: Cast, sign_in):
    page = sign_in("ada").get(reverse("agreement"))
    assert "Alan Allgood" in page.text
    assert REASON not in page.text
    verdict = reverse("document", args=[cast.job.verdicts.get().document_id])
    assert sign_in("ada").get(verdict).status_code == 404


def test_the_platform_sees_versions_and_nobody_s_name(cast: Cast, sign_in):
    page = sign_in("petra").get(reverse("agreement"))
    assert "test-1" in page.text
    for name in ("Alan Allgood", "Ashford Hospital", "Kim Abernathy"):
        assert name not in page.text


def test_a_doctor_sees_no_colleague(cast: Cast, sign_in):
    undecided(cast.graded(), cast.bea)
    page = sign_in("bea").get(reverse("agreement"))
    assert "nobody decided" in page.text
    assert "Alan Allgood" not in page.text


def test_a_family_counts_no_doctors(cast: Cast, sign_in):
    assert sign_in("grace").get(reverse("agreement")).status_code == 404
