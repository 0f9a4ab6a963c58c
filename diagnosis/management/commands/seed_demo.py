"""Fills an empty portal with a small world to look around in, through the actions."""

import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from pydicom.data import get_testdata_file

from diagnosis.actions.jobs import claim, fail
from diagnosis.actions.requests import request_grading
from diagnosis.actions.verdicts import judge_grade
from diagnosis.first_version import register_first
from diagnosis.grading.scale import Grade
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.models import GradingJob, Verdict
from diagnosis.training.phantoms import sample_image
from ledger.policy import Party
from ledger.site import log_key, origin
from ledger.witnessing.founding import found_witnesses, is_somebodys
from portal.acting import Acting, acting_for
from portal.actions.institutions import register_institution
from portal.actions.members import add_first_admin, add_member
from portal.models import Institution, User
from portal.roles import Role
from records.actions.documents import NewDocument, add_document
from records.actions.patients import (
    NewPatient,
    end_enrolment,
    enrol_patient,
    register_patient,
)
from records.models import Document, Patient

PASSWORD = "anamnesis-demo"  # noqa: S105 printed on purpose: a demo has no secrets
Kind = Institution.Kind
QUORUM = 2
"""How many of the three hospitals' witnesses must cosign a checkpoint."""
NEVER_TRAINED_ON = 1_000_400
"""Seeds from here on drew no phantom that the shipped weights have seen."""

HOSPITALS = {
    "riverside": ("Riverside Children's Hospital", "Ada Brandt", "Jonas Weber"),
    "northfield": ("Northfield University Hospital", "Ruth Okafor", "Mei Lin"),
    "lakeside": ("Lakeside Clinic", "Tom Hale", "Sara Novak"),
}
"""By address: the hospital, its admin, its doctor."""

LOGINS = [
    ("doctor@northfield.example", "doctor of the hospital the child is at now"),
    ("doctor@riverside.example", "doctor of the hospital the child left"),
    ("parent@family.example", "guardian of the child who moved"),
    ("admin@northfield.example", "hospital admin"),
    ("admin@riverside.example", "hospital admin"),
    ("doctor@lakeside.example", "doctor of a hospital the child was never at"),
    ("platform@anamnesis.example", "platform admin"),
    ("staff@service.example", "staff of the diagnosis service"),
]


class Command(BaseCommand):
    help = "Make the demo world, unless there is one, and print its logins."

    def handle(self, *args: Any, **options: Any) -> None:
        samples = write_samples(settings.VAR / "demo")
        if not Institution.objects.exists():
            self.stdout.write("Making the demo world …")
            make_world()
        self.stdout.write(f"\nDemo logins, all with the password {PASSWORD}:")
        for address, what in LOGINS:
            self.stdout.write(f"  {address:<30} {what}")
        self.stdout.write(f"\nSample images to upload: {samples}")
        self._found_witnesses()

    def _found_witnesses(self) -> None:
        """A witness for each hospital, with its own key, unless a policy was given."""
        if settings.LEDGER_POLICY != settings.VAR / "ledger-policy" or is_somebodys(
            settings.LEDGER_POLICY
        ):
            return
        founded = found_witnesses(
            {
                key: (settings.VAR / "witnesses" / key, f"{key}.example/witness")
                for key in HOSPITALS
            },
            log=Party(
                origin(),
                log_key(),
                f"{settings.PUBLIC_URL}/ledger",
            ),
            needed=QUORUM,
            policy=settings.LEDGER_POLICY,
            mirrors=settings.LEDGER_MIRRORS,
            first_port=(urlsplit(settings.PUBLIC_URL).port or 80) + 100,
        )
        # One that ends must not end the portal: it is started again.
        lines = [
            f"witness-{each.name}: while :; do .venv/bin/python manage.py witness"
            f" {shlex.quote(str(each.folder))} --bind {each.bind}"
            f" --policy {shlex.quote(str(settings.LEDGER_POLICY))}; sleep 1; done\n"
            for each in founded
        ]
        settings.DEMO_PROCFILE.write_text("".join(lines), encoding="utf-8")


def write_samples(folder: Path) -> Path:
    """Put a synthetic kidney of each grade and pydicom's multi-frame ultrasound there."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, grade in enumerate(Grade, start=100):
        path = folder / f"kidney-{grade.name.lower().replace('_', '-')}.png"
        if not path.exists():
            path.write_bytes(sample_image(grade, NEVER_TRAINED_ON + seed))
    frames = folder / "ultrasound-30-frames.dcm"
    if not frames.exists():
        frames.write_bytes(
            Path(str(get_testdata_file("examples_ybr_color.dcm"))).read_bytes()
        )
    return folder


@dataclass(frozen=True)
class Staff:
    """The two people whom the demo needs at each hospital."""

    admin: Acting
    doctor: Acting


@transaction.atomic
def make_world() -> None:
    """Two hospitals and a stranger, a child who moved, grades done and failed.

    One transaction: a world is there whole, or not at all.
    """
    service = register_institution(
        name="Diagnosis service", kind=Kind.DIAGNOSIS_SERVICE
    )
    add_first_admin(
        institution=service,
        user=_person("staff@service.example", "Sven Lindqvist"),
        role=Role.SERVICE_STAFF,
    )
    register_first()
    platform = register_institution(name="Anamnesis platform", kind=Kind.PLATFORM)
    add_first_admin(
        institution=platform,
        user=_person("platform@anamnesis.example", "Petra Platform"),
        role=Role.PLATFORM_ADMIN,
    )
    staff = {key: _hospital(key, *names) for key, names in HOSPITALS.items()}
    _person("parent@family.example", "Maria Keller")
    child = _child_at_riverside(staff["riverside"])
    _move(child, staff["riverside"], staff["northfield"])
    _others_at_northfield(staff["northfield"])


def _person(email: str, name: str) -> User:
    return User.objects.create_user(email, PASSWORD, full_name=name)


def _hospital(key: str, name: str, admin_name: str, doctor_name: str) -> Staff:
    hospital = register_institution(name=name, kind=Kind.HOSPITAL)
    admin = _person(f"admin@{key}.example", admin_name)
    add_first_admin(institution=hospital, user=admin, role=Role.HOSPITAL_ADMIN)
    doctor = _person(f"doctor@{key}.example", f"Dr {doctor_name}")
    add_member(
        institution=hospital,
        email=doctor.email,
        full_name=doctor.full_name,
        role=Role.DOCTOR,
        by=admin,
    )
    return Staff(acting_for(admin, hospital.pk), acting_for(doctor, hospital.pk))


def _child_at_riverside(staff: Staff) -> Patient:
    child = register_patient(
        new=NewPatient(
            full_name="Lena Keller",
            birth_date=date(2024, 5, 14),
            hospital_number="R-20417",
            guardian_name="Maria Keller",
            guardian_email="parent@family.example",
        ),
        by=staff.admin,
    )
    first = _graded(child, staff.doctor, Grade.SFU_0_2, visit=101)
    _agree(first, staff.doctor)
    second = _graded(child, staff.doctor, Grade.SFU_3, visit=102)
    _agree(second, staff.doctor)
    _failed(child, staff.doctor, visit=103)
    return child


def _move(child: Patient, left: Staff, arrived: Staff) -> None:
    enrolment = child.enrolments.get()
    end_enrolment(enrolment=enrolment, by=left.admin)
    enrol_patient(code=child.code, hospital_number="N-88213", by=arrived.admin)


def _others_at_northfield(staff: Staff) -> None:
    for number, name, born in (
        ("N-87110", "Samuel Osei", date(2023, 11, 2)),
        ("N-87442", "Aylin Demir", date(2025, 2, 20)),
    ):
        register_patient(
            new=NewPatient(
                full_name=name,
                birth_date=born,
                hospital_number=number,
                guardian_name=f"Parent of {name}",
                guardian_email=f"parent.{name.split()[1].lower()}@family.example",
            ),
            by=staff.admin,
        )


def _image(child: Patient, doctor: Acting, grade: Grade, visit: int) -> Document:
    if doctor.institution is None:
        raise ValueError("A doctor of the demo acts for a hospital.")
    return add_document(
        patient=child,
        institution=doctor.institution,
        by=doctor,
        new=NewDocument(
            kind=Document.Kind.IMAGE,
            name=f"left-kidney-{visit}.png",
            media_type="image/png",
            content=[sample_image(grade, NEVER_TRAINED_ON + visit)],
        ),
    )


def _requested(child: Patient, doctor: Acting, grade: Grade, visit: int) -> GradingJob:
    sent = desensitise(decode(sample_image(grade, NEVER_TRAINED_ON + visit)))
    return request_grading(
        image=_image(child, doctor, grade, visit),
        frame=0,
        desensitised_png=sent.png,
        by=doctor,
    )


def _graded(child: Patient, doctor: Acting, grade: Grade, *, visit: int) -> GradingJob:
    """Graded here and now: the queued task will find the job done."""
    # Imported here: it brings torch, which only making the world needs.
    from diagnosis.worker import run

    job = _requested(child, doctor, grade, visit)
    run(job.pk)
    job.refresh_from_db()
    if job.report is None:
        raise CommandError(f"The demo world could not be made: {job.failure}")
    return job


def _agree(job: GradingJob, doctor: Acting) -> None:
    judge_grade(
        job=job, decision=Verdict.Decision.ACCEPTED, grade=None, reason="", by=doctor
    )


def _failed(child: Patient, doctor: Acting, *, visit: int) -> None:
    job = claim(job_id=_requested(child, doctor, Grade.SFU_4, visit).pk)
    if job is not None:
        fail(
            job=job,
            sentence="The content store did not answer while the image was read.",
            traceback="Made by the demo world.",
        )
