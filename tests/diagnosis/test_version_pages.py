"""The pages on which versions of the networks are read about and decided about."""

import pytest
from django.urls import reverse

from diagnosis.models import ModelVersion, Standing
from tests.cast import Cast
from tests.diagnosis.weights import SHIPPED

WHY = "It agreed with the doctors."


def decide(version: ModelVersion, decision: str) -> str:
    return reverse("decide_version", args=[version.pk, decision])


def test_staff_walk_from_the_list_to_an_active_version(cast: Cast, sign_in):
    version, staff = cast.other_version(), sign_in("sven")
    assert staff.get(reverse("home")).headers["Location"] == reverse("versions")
    listed = staff.get(reverse("versions")).text
    assert "other-1" in listed
    assert SHIPPED in listed
    page = staff.get(reverse("version", args=[version.pk])).text
    for decision in ("shadow", "activate"):
        address = decide(version, decision)
        assert address in page
        asked = staff.get(address)
        assert asked.status_code == 200
        response = staff.post(address, {"reason": WHY}, follow=True)
        assert response.redirect_chain == [(reverse("version", args=[version.pk]), 302)]
        page = response.text
    assert cast.version == version
    assert page.count(WHY) == 2
    assert "Sven Serviceman" in page


def test_a_decision_without_a_reason_is_asked_again(cast: Cast, sign_in):
    version = cast.other_version()
    response = sign_in("sven").post(decide(version, "shadow"), {"reason": ""})
    assert response.status_code == 422
    assert "This field is required" in response.text
    version.refresh_from_db()
    assert version.standing == Standing.REGISTERED


def test_a_decision_that_came_too_late_is_a_sentence(cast: Cast, sign_in):
    version = cast.version
    staff = sign_in("petra")
    staff.post(decide(version, "retire"), {"reason": "Recalled."})
    page = staff.post(decide(version, "retire"), {"reason": "Recalled."}, follow=True)
    assert f"{SHIPPED} is retired and cannot become retired." in page.text


def test_there_are_no_other_decisions(cast: Cast, sign_in):
    assert sign_in("sven").get(decide(cast.version, "delete")).status_code == 404


@pytest.mark.parametrize("name", ["bea", "ada", "grace"])
def test_whoever_reads_a_grade_reads_the_card_but_no_buttons(
    cast: Cast, sign_in, name: str
):
    page = sign_in(name).get(reverse("version", args=[cast.version.pk])).text
    assert "Not for clinical use" in page
    assert '<div class="wide-table" tabindex="0"><table>' in page
    assert decide(cast.version, "retire") not in page
    assert "The first version of this site." not in page


def test_the_platform_s_admin_is_told_who_holds_the_key(cast: Cast, sign_in):
    version, admin = cast.other_version(), sign_in("petra")
    page = admin.get(reverse("version", args=[version.pk])).text
    assert "own staff can compare it" in page.replace("&#x27;", "'")
    refused = admin.get(reverse("comparison", args=[version.pk]))
    assert refused.status_code == 403
    assert "staff holds the key" in refused.text


def test_a_hostile_card_is_text(cast: Cast, sign_in):
    version = cast.other_version()
    ModelVersion.objects.create(
        name="evil-1",
        weights_sha256="0" * 64,
        cid=version.cid,
        card="# Hi\n\n<script>alert(1)</script> [x](javascript:alert(1))",
        intended_use="<b>bold</b>",
        warnings="<img src=x>",
        approved_by="<i>me</i>",
    )
    evil = ModelVersion.objects.get(name="evil-1")
    page = sign_in("sven").get(reverse("version", args=[evil.pk])).text
    for markup in (
        "<script>alert",
        "<b>bold",
        "<img src=x",
        "<i>me",
        'href="javascript',
    ):
        assert markup not in page


def test_a_grade_leads_to_its_version(cast: Cast, sign_in):
    """The cast's grade names weights that are not registered: it names them all the same."""
    page = sign_in("alan").get(reverse("job", args=[cast.job.pk])).text
    assert "Model test-1" in page
