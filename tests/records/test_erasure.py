"""What a hospital erases for a family nobody opens again, and the ledger still holds."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils import timezone

from diagnosis.actions.jobs import advance, claim, fail, record_grade
from diagnosis.models import State
from ledger.events import Event
from portal.errors import Refused
from portal.models import Institution
from records.actions import resealing
from records.actions.documents import open_document
from records.actions.erasure import (
    ask_erasure,
    confirm_erasure,
    refuse_erasure,
)
from records.actions.guardians import freeze_guardian
from records.actions.resealing import reseal_document
from records.bodies import check_body
from records.content import content_store
from records.history import proof_of_act
from records.models import Act, Document, Erasure, KeyWrap
from records.opening import unseal
from records.retention import may_go_from
from records.scrubbing import scrub, share_of
from records.storage.cids import parse_cid
from records.storage.errors import StoreUnavailable
from records.tasks import remove_erased
from tests.cast import IMAGE_B, Cast, report


@pytest.fixture
def own_store(cast: Cast, settings, tmp_path: Path) -> Iterator[None]:
    """A copy of the store: other tests need the blocks that go."""
    settings.BLOCKS = shutil.copytree(settings.BLOCKS, tmp_path / "blocks")
    content_store.cache_clear()
    yield
    content_store.cache_clear()


def erased(cast: Cast) -> Erasure:
    return confirm_erasure(erasure=cast.asked_to_erase(), by=cast.ada)


def made_by_a(cast: Cast) -> list[Document]:
    return list(cast.child.documents.filter(institution=cast.a))


# Erasing


def test_nobody_opens_it_any_more_not_even_the_family(cast: Cast):
    done = erased(cast)
    assert (done.erased, done.kept) == (3, 0)  # image, grade, verdict
    assert not KeyWrap.objects.filter(document__in=made_by_a(cast)).exists()
    for acting in (cast.grace, cast.alan):
        with pytest.raises(Refused):
            open_document(document=cast.image_a, acting=acting)
    for holder in (cast.child.holder_id, cast.a.holder_id):
        with pytest.raises(Exception, match="not there for this reader"):
            unseal(cast.image_a, holder)
    # What B made is B's.
    assert open_document(document=cast.image_b, acting=cast.grace) == IMAGE_B


def test_the_ledger_s_entries_say_nothing_any_more(cast: Cast):
    erased(cast)
    about = Act.objects.filter(document__in=made_by_a(cast))
    assert about
    assert all(bytes(act.salt) == b"" for act in about)
    for act in about:
        assert proof_of_act(act).state != "broken"
        assert "Erased" in proof_of_act(act).sentence
    others = Act.objects.exclude(document__in=made_by_a(cast))
    assert all(len(act.salt) == 32 for act in others)


def test_the_blocks_leave_the_store(cast: Cast, own_store):
    cid = parse_cid(cast.image_a.cid)
    assert content_store().has(cid)
    erased(cast)
    copy = parse_cid(cast.job.copy.cid)
    assert content_store().has(copy)
    assert remove_erased() == 1
    assert not content_store().has(copy)
    assert not content_store().has(cid)
    assert content_store().has(parse_cid(cast.image_b.cid))
    assert remove_erased() == 0


def test_what_is_erased_is_no_damage(cast: Cast, own_store):
    cid = bytes(parse_cid(cast.image_a.cid))
    erased(cast)
    remove_erased()
    assert check_body(cid) is False
    assert not scrub(share_of(1)).damaged


def test_the_receipt_is_an_entry_that_names_the_documents(cast: Cast, sign_in):
    done = erased(cast)
    act = Act.objects.get(event=Event.ERASURE_DONE)
    assert act.metadata["erasure"] == done.pk
    assert len(act.metadata["documents"]) == 64
    page = sign_in("grace").get(reverse("receipt", args=[cast.child.pk, done.pk]))
    assert "Erased by Ada Adminson, Ashford Hospital" in page.text
    assert cast.image_a.cid in page.text
    assert reverse("proof", args=[bytes(act.statement_id).hex()]) in page.text


def test_every_page_of_the_family_still_opens(cast: Cast, sign_in):
    erased(cast)
    grace = sign_in("grace")
    history = grace.get(reverse("patient", args=[cast.child.pk]))
    assert "A hospital erased documents of the patient." in history.text
    assert history.text.count("An ultrasound image was added.") == 2
    assert grace.get(reverse("audit")).status_code == 200
    assert grace.get(reverse("document", args=[cast.image_a.pk])).status_code == 404
    assert grace.get(reverse("job", args=[cast.job.pk])).status_code == 404
    assert sign_in("alan").get(reverse("jobs")).status_code == 200


def test_a_copy_that_another_hospital_sent_to_the_service_goes_as_well(cast: Cast):
    cast.consent()
    copy = cast.request(image=cast.image_a).copy
    erased(cast)
    copy.refresh_from_db()
    assert copy.erasure
    assert not copy.wraps.exists()


def test_no_grade_comes_of_what_was_erased_meanwhile(cast: Cast):
    cast.consent()
    job = cast.request(image=cast.image_a)
    held = claim(job_id=job.pk)
    assert held
    advance(job=held, to=State.RUNNING)
    advance(job=held, to=State.SAVING)
    erased(cast)
    before = Document.objects.count()
    with pytest.raises(Refused, match="has been erased"):
        record_grade(job=held, report=report().to_json(), model_version="test-1")
    fail(job=held, sentence="It did not work.", traceback="")
    assert Document.objects.count() == before
    about = Act.objects.filter(document=cast.image_a)
    assert all(bytes(act.salt) == b"" for act in about)


def test_what_was_erased_is_not_sealed_anew(cast: Cast, monkeypatch):
    image = cast.image_a

    def meanwhile(document: Document, holder: UUID) -> bytes:
        content = unseal(document, holder)
        erased(cast)
        return content

    monkeypatch.setattr(resealing, "unseal", meanwhile)
    with pytest.raises(Refused, match="erased meanwhile"):
        reseal_document(document=image)
    assert Document.objects.get(pk=image.pk).cid == image.cid


def test_blocks_that_the_store_did_not_give_up_go_the_next_night(
    cast: Cast, own_store, monkeypatch
):
    erased(cast)
    store, cid = content_store(), parse_cid(cast.image_a.cid)

    def silent() -> None:
        raise StoreUnavailable("The store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "collect", lambda self: silent())
        assert remove_erased() == 0
    assert not Erasure.objects.get().removed_at
    assert remove_erased() == 1
    assert not store.has(cid)
    assert Erasure.objects.get().removed_at


def test_an_empty_post_erases_nothing(cast: Cast, sign_in):
    erasure = cast.asked_to_erase()
    page = reverse("decide", args=[erasure.pk])
    assert sign_in("ada").post(page).status_code == 200
    assert Erasure.objects.get().decision == ""


def test_a_frozen_guardian_s_wish_is_not_carried_out(cast: Cast):
    erasure = cast.asked_to_erase()
    freeze_guardian(guardian=cast.child.guardians.get(), by=cast.boris)
    with pytest.raises(Refused, match="no longer acts for"):
        confirm_erasure(erasure=erasure, by=cast.ada)


# Retention


def test_what_must_be_kept_is_kept(cast: Cast):
    erasure = cast.asked_to_erase()
    Institution.objects.update(retention_years=10)
    Document.objects.filter(pk=cast.image_a.pk).update(
        created_at=timezone.now() - timedelta(days=11 * 366)
    )
    done = confirm_erasure(erasure=Erasure.objects.get(pk=erasure.pk), by=cast.ada)
    assert done.erased == 1
    assert done.kept == 2  # grade and verdict
    kept = Document.objects.kept().filter(institution=cast.a)
    assert done.kept_until == max(may_go_from(document, cast.a) for document in kept)
    report = Document.objects.get(graded_by=cast.job)
    assert open_document(document=report, acting=cast.grace)


def test_nothing_goes_before_its_time_and_the_admin_reads_when(cast: Cast, sign_in):
    erasure = cast.asked_to_erase()
    Institution.objects.update(retention_years=10)
    again = Erasure.objects.get(pk=erasure.pk)
    year = timezone.localdate().year + 10
    with pytest.raises(Refused, match=f"Nothing may be erased before .* {year}"):
        confirm_erasure(erasure=again, by=cast.ada)
    page = sign_in("ada").get(reverse("decide", args=[erasure.pk])).text
    assert "become unreadable" not in page
    assert "3 stay: your hospital keeps them for 10 years" in page
    assert KeyWrap.objects.filter(document__in=made_by_a(cast)).exists()


@pytest.mark.parametrize(
    ("made", "years", "end"),
    [
        (date(2020, 5, 17), 10, date(2030, 5, 17)),
        (date(2024, 2, 29), 10, date(2034, 3, 1)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2024, 2, 29), 0, date(2024, 2, 29)),
    ],
)
def test_a_retention_period_ends_on_the_same_day_of_the_year(
    made: date, years: int, end: date
):
    noon = datetime(
        made.year, made.month, made.day, 12, tzinfo=timezone.get_current_timezone()
    )
    hospital = Institution(retention_years=years)
    assert may_go_from(Document(created_at=noon), hospital) == end


# Asking and answering


def test_only_the_family_asks(cast: Cast):
    for acting in (cast.oscar, cast.alan, cast.ada, cast.petra):
        with pytest.raises(Refused):
            ask_erasure(patient=cast.child, institution=cast.a, by=acting)


def test_nothing_is_asked_twice_or_of_a_hospital_that_has_nothing(cast: Cast):
    cast.asked_to_erase()
    with pytest.raises(Refused, match="has been asked already"):
        ask_erasure(patient=cast.child, institution=cast.a, by=cast.grace)
    with pytest.raises(Refused, match="keeps no document"):
        ask_erasure(patient=cast.child, institution=cast.c, by=cast.grace)


@pytest.mark.parametrize("name", ["grace", "alan", "boris", "petra"])
def test_only_an_admin_of_that_hospital_answers(cast: Cast, name: str):
    erasure = cast.asked_to_erase()
    with pytest.raises(Refused, match="Only an admin of the hospital that was asked"):
        confirm_erasure(erasure=erasure, by=cast.acting(name))
    with pytest.raises(Refused, match="Only an admin of the hospital that was asked"):
        refuse_erasure(erasure=erasure, reason="No.", by=cast.acting(name))
    assert KeyWrap.objects.filter(document__in=made_by_a(cast)).exists()


def test_it_is_decided_once(cast: Cast):
    erasure = cast.asked_to_erase()
    refuse_erasure(erasure=erasure, reason="A court asks.", by=cast.ada)
    with pytest.raises(Refused, match="decided before"):
        confirm_erasure(erasure=erasure, by=cast.ada)
    assert KeyWrap.objects.filter(document__in=made_by_a(cast)).exists()


def test_the_walk_from_the_family_s_page_to_the_receipt(cast: Cast, sign_in):
    Institution.objects.update(retention_years=0)
    grace, ada = sign_in("grace"), sign_in("ada")
    page = reverse("erasure", args=[cast.child.pk])
    asked = grace.post(page, {"institution": cast.a.pk}, follow=True).text
    assert "Ashford Hospital is asked" in asked
    assert "Waits for the hospital" in asked
    assert "asks to have documents erased" in ada.get(reverse("members")).text
    erasure = Erasure.objects.get()
    decide = reverse("decide", args=[erasure.pk])
    assert "3 documents become unreadable" in ada.get(decide).text
    assert (
        "3 documents are erased" in ada.post(decide, {"erase": "yes"}, follow=True).text
    )
    assert "3 documents are erased." in grace.get(page).text
    assert "asks to have" not in ada.get(reverse("members")).text


def test_a_refusal_needs_a_reason_that_the_family_reads(cast: Cast, sign_in):
    erasure = cast.asked_to_erase()
    ada, decide = sign_in("ada"), reverse("decide", args=[erasure.pk])
    assert "required" in ada.post(decide, {"refuse": "yes", "reason": ""}).text
    ada.post(decide, {"refuse": "yes", "reason": "A court asks for it."})
    page = reverse("erasure", args=[cast.child.pk])
    assert "A court asks for it." in sign_in("grace").get(page).text
