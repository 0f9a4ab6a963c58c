"""Which hospital may read is the family's to say."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger.events import Event
from ledger.history import statement
from portal.errors import Refused
from portal.row_security import in_the_name_of
from records.actions.consents import NewConsent, grant_consent, withdraw_consent
from records.actions.documents import open_document
from records.actions.patients import end_enrolment
from records.encryption.wrapping import granted_hash, wraps_hash
from records.errors import RecordDamaged
from records.models import Act, Consent, Document, KeyWrap
from records.opening import unseal
from records.permissions import readable_documents
from records.scope import Extent, Scope
from tests.cast import FILE_NAME, IMAGE_A, NEXT_YEAR, Cast, add_image, picture


def wrapped_for_b(cast: Cast) -> set[Document]:
    return set(Document.objects.filter(wraps__holder_id=cast.b.holder_id))


def of(cast: Cast, hospital: str) -> set[Document]:
    documents = cast.child.documents.filter(institution=getattr(cast, hospital))
    return set(documents.exclude(kind=Document.Kind.SERVICE_COPY))


def own_others(cast: Cast) -> set[Document]:
    """What B has of other patients, which no consent of Grace touches."""
    return {d for d in wrapped_for_b(cast) if d.patient_id != cast.child.pk}


def test_granting_wraps_exactly_the_documents_in_scope(cast: Cast):
    others = own_others(cast)
    assert wrapped_for_b(cast) == of(cast, "b") | others
    cast.consent()
    assert wrapped_for_b(cast) == of(cast, "a") | of(cast, "b") | others
    assert not cast.job.copy.wraps.filter(holder_id=cast.b.holder_id).exists()


def test_nothing_is_sealed_anew(cast: Cast):
    before = list(Document.objects.order_by("pk").values())
    cast.consent()
    assert list(Document.objects.order_by("pk").values()) == before


def test_the_statement_names_the_new_wraps_and_is_the_patients(cast: Cast):
    before = set(KeyWrap.objects.values_list("pk", flat=True))
    cast.consent()
    made = KeyWrap.objects.exclude(pk__in=before)
    act = Act.objects.get(event=Event.CONSENT_GRANTED)
    said = statement(bytes(act.statement_id))
    assert said
    assert said.wraps_hash == granted_hash(
        (w.document_id.bytes, wraps_hash([(bytes(w.key_id), bytes(w.wrapped_key))]))
        for w in made
    )
    signing = cast.child.holder.keys.get(purpose="signing")
    assert said.author_key_id == bytes(signing.key_id)
    assert act.metadata["documents"] == len(made) == 3


def test_the_hospital_reads_between_grant_and_withdrawal_only(cast: Cast):
    with pytest.raises(Refused):
        open_document(document=cast.image_a, acting=cast.bea)
    consent = cast.consent()
    assert open_document(document=cast.image_a, acting=cast.bea) == IMAGE_A
    withdraw_consent(consent=consent, by=cast.grace)
    with pytest.raises(Refused):
        open_document(document=cast.image_a, acting=cast.bea)


def test_withdrawing_takes_the_keys_but_for_the_hospitals_own(cast: Cast):
    others = own_others(cast)
    consent = cast.consent()
    withdraw_consent(consent=consent, by=cast.grace)
    assert wrapped_for_b(cast) == of(cast, "b") | others
    # Even past the rule, the key is gone.
    with pytest.raises(RecordDamaged, match="not there for this reader"):
        unseal(cast.image_a, cast.b.holder_id)
    assert unseal(cast.image_b, cast.b.holder_id)


def test_a_document_added_later_by_another_hospital_is_wrapped(cast: Cast):
    cast.consent()
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    later = add_image(cast.child, cast.alan, picture(7))
    assert open_document(document=later, acting=cast.bea) == picture(7)


def test_a_document_added_after_the_end_is_not(cast: Cast):
    cast.expire(cast.consent())
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    later = add_image(cast.child, cast.alan, picture(7))
    assert set(later.wraps.values_list("holder_id", flat=True)) == {
        cast.a.holder_id,
        cast.child.holder_id,
    }


def test_granting_again_after_the_end(cast: Cast):
    cast.expire(cast.consent())
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    add_image(cast.child, cast.alan, picture(7))
    cast.consent()
    assert of(cast, "a") <= wrapped_for_b(cast)
    assert Consent.objects.live().count() == 1
    assert Consent.objects.count() == 2


def test_a_consent_that_ends_with_the_care_does_not_read_as_withdrawn(
    cast: Cast, sign_in
):
    cast.consent()
    enrolment = cast.child.enrolments.get(institution=cast.b)
    end_enrolment(enrolment=enrolment, by=cast.boris)
    page = sign_in("grace").get(reverse("consents", args=[cast.child.pk]))
    assert "Withdrawn" not in page.content.decode()


def test_granting_again_after_withdrawal(cast: Cast):
    withdraw_consent(consent=cast.consent(), by=cast.grace)
    cast.consent()
    assert open_document(document=cast.image_a, acting=cast.bea) == IMAGE_A


def test_a_second_grant_is_refused_in_words(cast: Cast):
    cast.consent()
    with pytest.raises(Refused, match="Birchwood Hospital may already read this"):
        cast.consent()


@pytest.mark.parametrize("alter", ["taken", "swapped"])
def test_a_patients_key_that_was_altered_stops_the_grant(cast: Cast, alter: str):
    wraps = KeyWrap.objects.filter(
        holder_id=cast.child.holder_id, document__institution=cast.a
    )
    one, other = wraps[:2]
    if alter == "taken":
        one.delete()
    else:
        wraps.filter(pk=one.pk).update(wrapped_key=other.wrapped_key)
        wraps.filter(pk=other.pk).update(wrapped_key=one.wrapped_key)
    with pytest.raises(RecordDamaged):
        cast.consent()
    assert not Consent.objects.exists()
    assert not Act.objects.filter(event=Event.CONSENT_GRANTED).exists()


def test_many_documents_ask_the_database_no_more_than_few(cast: Cast):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            withdraw_consent(consent=cast.consent(), by=cast.grace)
        return len(asked)

    queries()  # opens the keys, which stay open
    few = queries()
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    for seed in range(3):
        add_image(cast.child, cast.alan, picture(seed))
    assert queries() == few


@pytest.mark.parametrize("seconds", [0, -1, -86_400])
def test_a_moment_that_has_passed_is_refused_in_words(cast: Cast, seconds: int):
    with pytest.raises(Refused, match="still to come"):
        cast.consent(seconds=seconds)


@pytest.mark.parametrize("name", ["oscar", "bea", "alan", "boris", "ada", "petra"])
def test_nobody_but_the_guardian_decides(cast: Cast, name: str):
    consent = cast.consent()
    someone = cast.acting(name)
    with pytest.raises(Refused, match="Only the patient's guardian"):
        withdraw_consent(consent=consent, by=someone)
    with pytest.raises(Refused, match="Only the patient's guardian"):
        grant_consent(
            patient=cast.child,
            new=NewConsent(
                institution=cast.b, until=timezone.now() + timedelta(days=1)
            ),
            by=someone,
        )


@pytest.mark.parametrize("hospital", ["a", "c", "service"])
def test_only_who_has_the_patient_in_care_can_be_allowed(cast: Cast, hospital: str):
    with pytest.raises(Refused, match="does not have Kim Abernathy in its care"):
        grant_consent(
            patient=cast.child,
            new=NewConsent(
                institution=getattr(cast, hospital),
                until=timezone.now() + timedelta(days=1),
            ),
            by=cast.grace,
        )


def test_withdrawing_twice_is_refused_in_words(cast: Cast):
    consent = cast.consent()
    withdraw_consent(consent=consent, by=cast.grace)
    with pytest.raises(Refused, match="withdrawn before"):
        withdraw_consent(consent=consent, by=cast.grace)


# A part of a history

IMAGES = Scope(Extent.KIND, Document.Kind.IMAGE)


def opened_for_b(cast: Cast) -> set[Document]:
    return wrapped_for_b(cast) - of(cast, "b") - own_others(cast)


def test_one_kind_opens_that_kind_alone(cast: Cast):
    cast.consent(IMAGES)
    assert opened_for_b(cast) == {cast.image_a}
    assert set(readable_documents(cast.bea, cast.child)) == {
        cast.image_a,
        *of(cast, "b"),
    }
    assert cast.job.report
    with pytest.raises(Refused):
        open_document(document=cast.job.report, acting=cast.bea)


def test_single_documents_open_those_alone(cast: Cast):
    report = cast.job.report
    assert report
    cast.consent(Scope(Extent.DOCUMENTS, documents=frozenset({report.pk})))
    assert opened_for_b(cast) == {report}
    assert open_document(document=report, acting=cast.bea)
    with pytest.raises(Refused):
        open_document(document=cast.image_a, acting=cast.bea)


@pytest.mark.parametrize(
    ("scope", "is_wrapped"),
    [(Scope(), True), (IMAGES, True), (Scope(Extent.KIND, "grade_report"), False)],
)
def test_what_comes_later_is_wrapped_where_the_scope_takes_it_in(
    cast: Cast, scope: Scope, is_wrapped: bool
):
    cast.consent(scope)
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    later = add_image(cast.child, cast.alan, picture(7))
    assert later.wraps.filter(holder_id=cast.b.holder_id).exists() == is_wrapped


def test_what_comes_later_is_no_single_document(cast: Cast):
    cast.consent(Scope(Extent.DOCUMENTS, documents=frozenset({cast.image_a.pk})))
    cast.a.enrolments.filter(patient=cast.child).update(ended_at=None)
    later = add_image(cast.child, cast.alan, picture(7))
    assert not later.wraps.filter(holder_id=cast.b.holder_id).exists()
    with pytest.raises(Refused):
        open_document(document=later, acting=cast.bea)


def test_withdrawing_a_part_takes_that_part(cast: Cast):
    consent = cast.consent(IMAGES)
    withdraw_consent(consent=consent, by=cast.grace)
    assert opened_for_b(cast) == set()
    assert of(cast, "b") <= wrapped_for_b(cast)


@pytest.mark.parametrize("whose", ["another's", "nobody's", "the service's"])
def test_a_document_of_no_history_of_theirs_is_refused(cast: Cast, whose: str):
    other = add_image(cast.other_child, cast.bea, picture(8))
    document = {
        "another's": other.pk,
        "nobody's": uuid4(),
        "the service's": cast.job.copy_id,
    }[whose]
    with pytest.raises(Refused, match="not part of this history"):
        cast.consent(Scope(Extent.DOCUMENTS, documents=frozenset({document})))
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    "parts",
    [
        {"kind": "image"},
        {"documents": frozenset({uuid4()})},
        {"extent": Extent.KIND},
        {"extent": Extent.DOCUMENTS},
        {"extent": Extent.DOCUMENTS, "kind": "image"},
        {"extent": Extent.KIND, "kind": "image", "documents": frozenset({uuid4()})},
    ],
)
def test_a_scope_says_one_thing(cast: Cast, parts: dict[str, Any]):
    """In Python, and in the table whoever writes to it."""
    with pytest.raises(ValueError, match="A scope of"):
        Scope(**parts)
    consent = cast.consent()
    given = {"extent": Extent.EVERYTHING, "kind": "", "documents": []} | parts
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.filter(pk=consent.pk).update(
            **given | {"documents": list(given["documents"])}
        )


def test_the_ledger_commits_to_scope_and_purpose(cast: Cast):
    cast.consent(IMAGES)
    act = Act.objects.get(event=Event.CONSENT_GRANTED)
    said = {key: act.metadata[key] for key in ("extent", "kind", "purpose")}
    assert said == {"extent": "kind", "kind": "image", "purpose": "TREAT"}
    assert act.metadata["documents"] == 1


# The pages


def asked(cast: Cast, **more: Any) -> dict[str, Any]:
    """What the family fills in; only `allow` gives the permission."""
    return {
        "institution": cast.b.pk,
        "until": NEXT_YEAR,
        "extent": "everything",
        "purpose": "TREAT",
    } | more


def status(client: Client, cast: Cast) -> int:
    return client.get(reverse("document", args=[cast.image_a.pk])).status_code


def test_the_whole_walk_through_the_pages(cast: Cast, sign_in):
    grace, bea = sign_in("grace"), sign_in("bea")
    address = reverse("consents", args=[cast.child.pk])
    assert status(bea, cast) == 404
    shown = grace.get(address).text
    assert "Birchwood Hospital" in shown
    assert f">{cast.a.name}</option>" not in shown
    preview = grace.post(address, asked(cast)).text
    assert "Birchwood Hospital will see 3 documents that others have made" in preview
    assert "it keeps the 1 document it made itself" in preview
    assert status(bea, cast) == 404
    grace.post(address, asked(cast, allow="yes"))
    assert status(bea, cast) == 200
    assert FILE_NAME in bea.get(reverse("document", args=[cast.image_a.pk])).text
    consent = Consent.objects.get()
    withdraw = reverse("withdraw", args=[cast.child.pk, consent.pk])
    assert "What was read before cannot be unread" in grace.get(withdraw).text
    grace.post(withdraw)
    assert status(bea, cast) == 404


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"until": "2001-01-01"}, "Choose a day that is still to come."),
        ({"until": "2999-01-01"}, "Choose a day within the next five years"),
        ({"until": ""}, "This field is required."),
        ({"until": "soon"}, "Enter a valid date."),
        ({"institution": ""}, "This field is required."),
        ({"institution": "0"}, "Select a valid choice."),
        ({"institution": "²"}, "Select a valid choice."),
        ({"extent": ""}, "This field is required."),
        ({"extent": "all"}, "Select a valid choice."),
        ({"extent": "kind"}, "Choose a kind of document."),
        ({"extent": "kind", "kind": "service_copy"}, "Select a valid choice."),
        ({"extent": "documents"}, "Choose at least one document."),
        ({"extent": "documents", "documents": ["x"]}, "Select a valid choice."),
        ({"purpose": "NONE"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_granted_is_said_at_the_field(
    cast: Cast, sign_in, given: dict[str, Any], sentence: str
):
    data = asked(cast, allow="yes") | given
    response = sign_in("grace").post(reverse("consents", args=[cast.child.pk]), data)
    assert sentence in response.text
    assert not Consent.objects.exists()


def test_a_hospital_that_may_read_already_cannot_be_chosen(cast: Cast, sign_in):
    cast.consent()
    sign_in("grace").post(
        reverse("consents", args=[cast.child.pk]),
        asked(cast, allow="yes"),
    )
    assert Consent.objects.count() == 1


def test_the_page_of_a_document_is_gone_the_moment_the_consent_ends(
    cast: Cast, sign_in
):
    consent, client = cast.consent(), sign_in("bea")
    assert status(client, cast) == 200
    cast.expire(consent)
    assert status(client, cast) == 404


def test_another_childs_consent_is_not_withdrawn_through_ones_own(cast: Cast, sign_in):
    consent = cast.consent()
    wrong = reverse("withdraw", args=[cast.other_child.pk, consent.pk])
    assert sign_in("oscar").post(wrong).status_code == 404
    assert Consent.objects.live().exists()


@pytest.mark.slow
def test_of_two_grants_at_the_same_moment_one_is_refused(committed_cast: Cast):
    cast, outcomes = committed_cast, []
    together = threading.Barrier(2)
    grace, child, b = cast.grace, cast.child, cast.b

    def grant() -> None:
        together.wait(timeout=10)
        try:
            with in_the_name_of(grace.party):
                grant_consent(
                    patient=child,
                    new=NewConsent(
                        institution=b, until=timezone.now() + timedelta(days=1)
                    ),
                    by=grace,
                )
            outcomes.append("granted")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=grant) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(outcomes) == ["granted", "refused"]


def test_a_preview_of_a_part_says_what_it_opens(cast: Cast, sign_in):
    page = sign_in("grace").post(
        reverse("consents", args=[cast.child.pk]),
        asked(cast, extent="kind", kind="image"),
    )
    assert "Birchwood Hospital will see 1 document that others have made" in page.text
    assert "1 × Ultrasound image" in page.text
    assert "it will see as well" in page.text


def test_single_documents_are_chosen_by_name_and_given(cast: Cast, sign_in):
    grace, address = sign_in("grace"), reverse("consents", args=[cast.child.pk])
    assert f"Ultrasound image: {FILE_NAME} · Ashford" in grace.get(address).text
    wanted = asked(cast, extent="documents", documents=[str(cast.image_a.pk)])
    preview = grace.post(address, wanted).text
    assert "What is added later, it will not see." in preview
    assert f'value="{cast.image_a.pk}"' in preview
    assert grace.post(address, wanted | {"allow": "yes"}).status_code == 302
    assert Consent.objects.get().documents == [cast.image_a.pk]
    assert "1 document" in grace.get(address).text
