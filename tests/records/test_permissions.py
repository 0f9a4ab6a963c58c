"""The access rule: who is what to a patient, and what that lets them read."""

import pytest

from portal.acting import Acting, acting_for
from portal.actions.members import add_member
from portal.errors import Refused
from portal.models import User
from portal.roles import Role
from records.actions.documents import open_document
from records.actions.patients import end_enrolment, enrol_patient
from records.models import Document
from records.permissions import (
    Relation,
    may_add_document,
    may_manage_consents,
    may_read_document,
    opened_by,
    readable_documents,
    relation,
    visible_patients,
)
from records.scope import Scope
from tests.cast import Cast, email

A, B = "what A made", "what B made"
RULE = {
    # Columns: relation; what they read; whether they add; whether they decide.
    "grace": (Relation.GUARDIAN, {A, B}, False, True),
    "oscar": (Relation.STRANGER, set(), False, False),
    "alan": (Relation.FORMER_DOCTOR, {A}, False, False),
    "bea": (Relation.OWN_DOCTOR, {B}, True, False),
    "carl": (Relation.STRANGER, set(), False, False),
    "ada": (Relation.HOSPITAL_ADMIN, set(), False, False),
    "boris": (Relation.HOSPITAL_ADMIN, set(), False, False),
    "cora": (Relation.STRANGER, set(), False, False),
    "petra": (Relation.STRANGER, set(), False, False),
}


def reads(cast: Cast, acting: Acting) -> set[str]:
    readable = set(readable_documents(acting, cast.child))
    made = {
        name: set(
            cast.child.documents.filter(institution=hospital).exclude(
                kind=Document.Kind.SERVICE_COPY
            )
        )
        for name, hospital in ((A, cast.a), (B, cast.b))
    }
    for documents in made.values():
        assert documents <= readable or not documents & readable
    return {name for name, documents in made.items() if documents <= readable}


@pytest.mark.parametrize("name", RULE)
def test_without_a_consent(cast: Cast, name: str):
    held, read, adds, decides = RULE[name]
    acting = cast.acting(name)
    assert relation(acting, cast.child) is held
    assert reads(cast, acting) == read
    assert may_add_document(acting, cast.child) is adds
    assert may_manage_consents(acting, cast.child) is decides


@pytest.mark.parametrize("name", RULE)
def test_with_a_consent_only_that_hospitals_doctors_gain(cast: Cast, name: str):
    cast.consent()
    held, read, adds, decides = RULE[name]
    if name == "bea":
        held, read = Relation.ALLOWED_DOCTOR, {A, B}
    acting = cast.acting(name)
    assert relation(acting, cast.child) is held
    assert reads(cast, acting) == read
    assert may_add_document(acting, cast.child) is adds
    assert may_manage_consents(acting, cast.child) is decides


GAINED_IN_AN_EMERGENCY = {
    "alan": Relation.EMERGENCY_DOCTOR,
    "bea": Relation.OWN_DOCTOR,
    "carl": Relation.EMERGENCY_DOCTOR,
}


@pytest.mark.parametrize("who", GAINED_IN_AN_EMERGENCY)
@pytest.mark.parametrize("name", RULE)
def test_in_an_emergency_one_doctor_gains_and_only_to_read(
    cast: Cast, who: str, name: str
):
    cast.emergency(by=cast.acting(who))
    held, read, adds, decides = RULE[name]
    if name == who:
        held, read = GAINED_IN_AN_EMERGENCY[who], {A, B}
    if (who, name) == ("carl", "cora"):  # Cora is to judge it
        held = Relation.HOSPITAL_ADMIN
    acting = cast.acting(name)
    assert relation(acting, cast.child) is held
    assert reads(cast, acting) == read
    assert may_add_document(acting, cast.child) is adds
    assert may_manage_consents(acting, cast.child) is decides


def test_every_relation_is_in_the_rule():
    tried = {held for held, *_ in RULE.values()}
    tried |= {Relation.ALLOWED_DOCTOR, *GAINED_IN_AN_EMERGENCY.values()}
    assert tried == set(Relation)


@pytest.mark.parametrize("name", RULE)
def test_the_copy_for_the_service_is_for_nobody_here(cast: Cast, name: str):
    cast.consent()
    assert not may_read_document(cast.acting(name), cast.job.copy)


@pytest.mark.parametrize("name", RULE)
def test_who_may_not_read_cannot_open(cast: Cast, name: str):
    acting = cast.acting(name)
    if may_read_document(acting, cast.image_a):
        assert open_document(document=cast.image_a, acting=acting)
    else:
        with pytest.raises(Refused, match="You cannot open this document"):
            open_document(document=cast.image_a, acting=acting)


def test_an_expired_consent_closes_without_any_job_running(cast: Cast):
    consent = cast.consent()
    assert reads(cast, cast.bea) == {A, B}
    cast.expire(consent)
    assert relation(cast.bea, cast.child) is Relation.OWN_DOCTOR
    assert reads(cast, cast.bea) == {B}


def test_a_hospital_that_lets_go_reads_what_it_made_and_no_more(cast: Cast):
    cast.consent()
    end_enrolment(enrolment=cast.b.enrolments.get(patient=cast.child), by=cast.boris)
    assert relation(cast.bea, cast.child) is Relation.FORMER_DOCTOR
    assert reads(cast, cast.bea) == {B}
    foreign = cast.child.documents.exclude(institution=cast.b)
    assert not foreign.filter(wraps__holder_id=cast.b.holder_id).exists()


def test_a_patient_who_comes_back_decides_anew(cast: Cast):
    cast.consent()
    end_enrolment(enrolment=cast.b.enrolments.get(patient=cast.child), by=cast.boris)
    enrol_patient(code=cast.child.code, hospital_number="B-2", by=cast.boris)
    assert relation(cast.bea, cast.child) is Relation.OWN_DOCTOR
    assert reads(cast, cast.bea) == {B}
    cast.consent()
    assert reads(cast, cast.bea) == {A, B}


def test_a_doctor_at_two_hospitals_acts_for_one_at_a_time(cast: Cast):
    add_member(
        institution=cast.b,
        email=email("alan"),
        full_name="Alan Allgood",
        role=Role.DOCTOR,
        by=cast.boris.user,
    )
    alan = User.objects.get(email=email("alan"))
    assert reads(cast, acting_for(alan, cast.a.pk)) == {A}
    assert reads(cast, acting_for(alan, cast.b.pk)) == {B}


def test_a_doctor_who_is_the_guardian_reads_as_the_guardian(cast: Cast):
    cast.child.guardians.create(user=cast.carl.user)
    assert relation(cast.carl, cast.child) is Relation.GUARDIAN
    assert open_document(document=cast.image_a, acting=cast.carl)


@pytest.mark.parametrize(
    ("name", "children"),
    [
        ("grace", {"child"}),
        ("oscar", {"other_child"}),
        ("alan", {"child"}),
        ("bea", {"child", "other_child"}),
        ("ada", {"child"}),
        ("boris", {"child", "other_child"}),
        ("carl", set()),
        ("cora", set()),
        ("petra", set()),
    ],
)
def test_of_whom_each_may_know(cast: Cast, name: str, children: set[str]):
    known = visible_patients(cast.acting(name))
    assert set(known) == {getattr(cast, child) for child in children}
    assert known.count() == len(children)


def test_what_a_consent_would_open_is_counted_without_the_services_copies(cast: Cast):
    # A's image, its grade and Alan's verdict.
    assert opened_by(Scope(), cast.child, cast.b).count() == 3
    assert opened_by(Scope(), cast.child, cast.a).count() == 1
