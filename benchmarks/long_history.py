"""A hospital's patient with a long history, made for a benchmark."""

from datetime import date
from secrets import token_bytes
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from portal.models import Institution
    from records.models import Patient

GUARDIAN = "guardian@family.example"


def hospital_with_child() -> "tuple[Institution, Patient]":
    """A child whose guardian is GUARDIAN, at a hospital with an admin."""
    from portal.acting import acting_for
    from portal.actions.institutions import register_institution
    from portal.actions.members import add_first_admin
    from portal.models import Institution, User
    from portal.roles import Role
    from records.actions.patients import NewPatient, register_patient

    hospital = register_institution(name="The hospital", kind=Institution.Kind.HOSPITAL)
    admin = User.objects.create_user("admin@hospital.example", full_name="An admin")
    add_first_admin(institution=hospital, user=admin, role=Role.HOSPITAL_ADMIN)
    new = NewPatient(
        full_name="The child",
        birth_date=date(2024, 1, 1),
        hospital_number="1",
        guardian_name="The guardian",
        guardian_email=GUARDIAN,
    )
    return hospital, register_patient(new=new, by=acting_for(admin, hospital.pk))


def add_documents(hospital: "Institution", child: "Patient", count: int) -> None:
    """Each with its act, its name and the patient's wrap, without its content."""
    from ledger.events import Event
    from portal.keys import sealing_key
    from records.encryption.envelope import new_data_key
    from records.encryption.names import seal_name
    from records.encryption.wrapping import key_commitment
    from records.models import Act, Document, KeyWrap
    from records.wrapping import wrap_for

    data_keys = {uuid4(): new_data_key() for _ in range(count)}
    documents = [
        Document(
            pk=pk,
            patient=child,
            institution=hospital,
            kind=Document.Kind.IMAGE,
            media_type="image/png",
            cid=f"bafy{number}",
            sealed_bytes=1,
            key_commitment=key_commitment(data_key, pk.bytes),
            sealed_name=seal_name(
                "left-kidney.png", data_key=data_key, record_id=pk.bytes
            ),
            statement_id=token_bytes(16),
        )
        for number, (pk, data_key) in enumerate(data_keys.items())
    ]
    key = sealing_key(child.holder_id)
    Document.objects.bulk_create(documents, batch_size=1000)
    KeyWrap.objects.bulk_create(
        wrap_for(each, child.holder_id, key, data_keys[each.pk]) for each in documents
    )
    Act.objects.bulk_create(
        Act(
            statement_id=each.statement_id,
            event=Event.DOCUMENT_ADDED,
            patient=child,
            institution=hospital,
            document=each,
        )
        for each in documents
    )
