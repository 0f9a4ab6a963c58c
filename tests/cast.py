"""The cast everyone knows: two hospitals, a stranger, a child who moved.

Grace is the guardian of Kim, who was in care at hospital A, where Alan is the doctor,
and is now at hospital B, where Bea is. Nobody has a consent yet. Oscar's child is at B
too. Hospital C, with Carl, never saw either. Everything is made through the actions.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from io import BytesIO
from zipfile import ZipFile

import numpy as np
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from PIL import Image

from diagnosis import set_examiner
from diagnosis.actions.data_sets import (
    add_data_set,
    publish_validation,
    request_run,
)
from diagnosis.actions.jobs import advance, claim, record_grade
from diagnosis.actions.requests import request_grading
from diagnosis.actions.set_checks import record_validation
from diagnosis.actions.set_runs import (
    begin_run,
    claim_run,
    hand_back,
    record_results,
    record_run,
    save_run,
)
from diagnosis.actions.verdicts import judge_grade
from diagnosis.first_version import register_first
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.models import (
    DataSet,
    GradingJob,
    ModelVersion,
    Purpose,
    SetContent,
    SetRun,
    Standing,
    State,
    Verdict,
)
from diagnosis.receiving.identity import identify
from diagnosis.receiving.keeping import keep
from diagnosis.set_results import Result, ResultCipher, SetResults
from diagnosis.set_sealing import Sealed, data_key_of, put_sealed
from diagnosis.validation.publishing import KEPT, published_figures
from portal.acting import Acting, acting_for
from portal.actions.institutions import register_institution
from portal.actions.members import add_first_admin, add_member
from portal.models import Institution, User
from portal.roles import Role
from records.actions.consents import NewConsent, grant_consent
from records.actions.devices import NewDevice, enrol_device
from records.actions.documents import NewDocument, add_document
from records.actions.emergencies import open_emergency
from records.actions.erasure import ask_erasure
from records.actions.patients import (
    NewPatient,
    end_enrolment,
    enrol_patient,
    register_patient,
)
from records.models import (
    Consent,
    Device,
    Document,
    EmergencyAccess,
    Erasure,
    Patient,
)
from records.scope import EVERYTHING, Scope

CHILD, CHILD_BORN, CHILD_NUMBER = "Kim Abernathy", date(2023, 4, 17), "A-31415"
OTHER_CHILD, OTHER_BORN = "Noor Quillfeather", date(2022, 11, 30)
NEXT_YEAR = (date.today() + timedelta(days=365)).isoformat()  # noqa: DTZ011
FILE_NAME, REASON = "left-kidney-of-kim.png", "The calyces look blunted to me."
PASSWORD = "correct horse battery"
EMERGENCY = "The child is in shock and the family cannot be reached."
HOSPITALS = {"a": "Ashford Hospital", "b": "Birchwood Hospital", "c": "Cedar Clinic"}
SET_TITLE, SET_FOLDER = "Kidneys of spring", "SFU 4/kim-abernathy"
PEOPLE = {
    "grace": "Grace Abernathy",
    "oscar": "Oscar Quillfeather",
    "ada": "Ada Adminson",
    "alan": "Alan Allgood",
    "boris": "Boris Bossman",
    "bea": "Bea Bestcare",
    "cora": "Cora Chiefly",
    "carl": "Carl Curious",
    "petra": "Petra Platform",
    "sven": "Sven Serviceman",
}
"""Alan, Bea and Carl are doctors, Ada, Boris and Cora admins of A, B and C; Sven works
for the diagnosis service."""


def email(name: str) -> str:
    return f"{name}@people.example"


def picture(seed: int = 1, side: int = 96) -> bytes:
    """A small PNG of speckle, no two seeds alike; not a kidney."""
    noise = np.random.default_rng(seed).integers(20, 235, (side, side), np.uint8)
    stream = BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


IMAGE_A, IMAGE_B = picture(1), picture(2)


def report(grade: Grade = Grade.SFU_3) -> GradeReport:
    """A report as the networks would give it for a picture."""
    mask = np.zeros((96, 96), np.uint8)
    mask[20:70, 20:70], mask[40:50, 40:50] = 1, 2
    others = dict.fromkeys(Grade, 0.125)
    return GradeReport(
        grade=grade,
        reason=None,
        probabilities={**others, grade: 0.75},
        mask=mask,
        model_version="test-1",
        weights_sha256="ab" * 32,
        seconds={"segmenting": 0.5},
    )


@dataclass(frozen=True)
class Cast:
    """Who is on stage, read afresh from the database for each test."""

    def acting(self, name: str) -> Acting:
        return acting_for(User.objects.get(email=email(name)), None)

    def hospital(self, letter: str) -> Institution:
        return Institution.objects.get(name=HOSPITALS[letter])

    @cached_property
    def grace(self) -> Acting:
        return self.acting("grace")

    @cached_property
    def oscar(self) -> Acting:
        return self.acting("oscar")

    @cached_property
    def ada(self) -> Acting:
        return self.acting("ada")

    @cached_property
    def alan(self) -> Acting:
        return self.acting("alan")

    @cached_property
    def boris(self) -> Acting:
        return self.acting("boris")

    @cached_property
    def bea(self) -> Acting:
        return self.acting("bea")

    @cached_property
    def carl(self) -> Acting:
        return self.acting("carl")

    @cached_property
    def petra(self) -> Acting:
        return self.acting("petra")

    @cached_property
    def sven(self) -> Acting:
        return self.acting("sven")

    @cached_property
    def a(self) -> Institution:
        return self.hospital("a")

    @cached_property
    def b(self) -> Institution:
        return self.hospital("b")

    @cached_property
    def c(self) -> Institution:
        return self.hospital("c")

    @cached_property
    def service(self) -> Institution:
        return Institution.objects.get(kind=Institution.Kind.DIAGNOSIS_SERVICE)

    @cached_property
    def child(self) -> Patient:
        return Patient.objects.get(guardians__user__email=email("grace"))

    @cached_property
    def other_child(self) -> Patient:
        return Patient.objects.get(guardians__user__email=email("oscar"))

    @cached_property
    def image_a(self) -> Document:
        return self._first_image(self.a)

    @cached_property
    def image_b(self) -> Document:
        return self._first_image(self.b)

    def _first_image(self, hospital: Institution) -> Document:
        images = self.child.documents.filter(kind=Document.Kind.IMAGE)
        return images.filter(institution=hospital).earliest("created_at")

    @cached_property
    def job(self) -> GradingJob:
        """Done at A, accepted by Alan."""
        return self.image_a.grading_jobs.earliest("requested_at")

    @property
    def version(self) -> ModelVersion:
        """The one that grades; at first the shipped weights."""
        return ModelVersion.objects.get(standing=Standing.ACTIVE)

    def other_version(self, standing: Standing = Standing.REGISTERED) -> ModelVersion:
        """One whose weights nobody has: to be decided about, never to grade."""
        return ModelVersion.objects.create(
            name="other-1",
            weights_sha256="cd" * 32,
            cid=self.version.cid,
            card="# Other",
            intended_use="Comparing.",
            warnings="None.",
            approved_by="Ada",
            standing=standing,
        )

    @cached_property
    def data_set(self) -> DataSet:
        """Labelled pictures that B sent."""
        return DataSet.objects.get(institution=self.b)

    @cached_property
    def run_done(self) -> SetRun:
        """B's first run, which is measured and published."""
        return self.data_set.runs.get(state=State.DONE)

    @cached_property
    def run_waiting(self) -> SetRun:
        """B's second run, of which one picture is graded."""
        return self.data_set.runs.get(state=State.QUEUED)

    def consent(self, scope: Scope = EVERYTHING, **until: float) -> Consent:
        """Grace allows B; a year, or as long as said (days=…, seconds=…)."""
        moment = timezone.now() + timedelta(**until or {"days": 365})
        new = NewConsent(institution=self.b, until=moment, scope=scope)
        return grant_consent(patient=self.child, new=new, by=self.grace)

    def emergency(self, by: Acting | None = None) -> EmergencyAccess:
        """Carl, whose hospital never saw the child, opens its history."""
        return open_emergency(patient=self.child, reason=EMERGENCY, by=by or self.carl)

    def of_age(self) -> None:
        """The child was born long enough ago."""
        self.child.birth_date_text = "2000-02-29"
        self.child.save(update_fields=["birth_date_text"])

    def asked_to_erase(self, hospital: Institution | None = None) -> Erasure:
        """Grace asks A, whose retention is over, to erase what it made."""
        asked = hospital or self.a
        Institution.objects.filter(pk=asked.pk).update(retention_years=0)
        return ask_erasure(
            patient=self.child,
            institution=self.hospital("a" if asked == self.a else "b"),
            by=self.grace,
        )

    def sent_by_device(self) -> Document:
        """An image that a device sent."""
        device, _token = self.device()
        content = picture(11)
        receipt = keep(device, content, identify(content))
        return Document.objects.get(pk=receipt.document_id)

    def device(self, by: Acting | None = None) -> tuple[Device, str]:
        """Grace's scanner at home, whose images go to B, with its token."""
        who = by or self.grace
        new = NewDevice(
            name="Scanner at home",
            institution=self.b,
            for_family=who == self.grace,
            until=timezone.now() + timedelta(days=30),
        )
        return enrol_device(new=new, patients=[self.child], by=who)

    def expire(self, consent: Consent) -> None:
        """Let the consent's time pass, as the clock would."""
        now = timezone.now()
        Consent.objects.filter(pk=consent.pk).update(
            granted_at=now - timedelta(days=2), until=now - timedelta(seconds=1)
        )

    def request(
        self, image: Document | None = None, by: Acting | None = None
    ) -> GradingJob:
        """Bea asks for a grade of the image that B made."""
        return request_grading(
            image=image or self.image_b,
            frame=0,
            desensitised_png=desensitised(IMAGE_B),
            by=by or self.bea,
        )

    def graded(
        self, image: Document | None = None, by: Acting | None = None
    ) -> GradingJob:
        """A job that went its whole way, without the networks."""
        return finish(self.request(image, by))


@cache
def desensitised(png: bytes) -> bytes:
    return desensitise(decode(png)).png


def finish(job: GradingJob) -> GradingJob:
    held = claim(job_id=job.pk)
    assert held
    advance(job=held, to=State.RUNNING)
    advance(job=held, to=State.SAVING)
    record_grade(job=held, report=report().to_json(), model_version="test-1")
    return GradingJob.objects.get(pk=job.pk)


def add_image(
    patient: Patient, by: Acting, content: bytes, name: str = FILE_NAME
) -> Document:
    assert by.institution
    return add_document(
        patient=patient,
        institution=by.institution,
        by=by,
        new=NewDocument(
            kind=Document.Kind.IMAGE,
            name=name,
            media_type="image/png",
            content=[content],
        ),
    )


@transaction.atomic
def make_world() -> None:
    """Build the cast's world; it must be committed, tests roll back on top of it."""
    service = register_institution(
        name="Diagnosis service", kind=Institution.Kind.DIAGNOSIS_SERVICE
    )
    _first(service, "sven", Role.SERVICE_STAFF)
    register_first()
    platform = register_institution(name="The platform", kind=Institution.Kind.PLATFORM)
    _first(platform, "petra", Role.PLATFORM_ADMIN)
    ada, alan = _staff("a", "ada", "alan")
    boris, bea = _staff("b", "boris", "bea")
    _staff("c", "cora", "carl")
    child = _patient(CHILD, CHILD_BORN, CHILD_NUMBER, "grace", by=ada)
    _patient(OTHER_CHILD, OTHER_BORN, "B-27182", "oscar", by=boris)
    image = add_image(child, alan, IMAGE_A)
    job = finish(
        request_grading(
            image=image, frame=0, desensitised_png=desensitised(IMAGE_A), by=alan
        )
    )
    judge_grade(
        job=job,
        decision=Verdict.Decision.ACCEPTED,
        grade=None,
        reason=REASON,
        by=alan,
    )
    end_enrolment(enrolment=child.enrolments.get(), by=ada)
    enrol_patient(code=child.code, hospital_number="B-16180", by=boris)
    add_image(child, bea, IMAGE_B)
    _data_set(bea)
    User.objects.update(password=make_password(PASSWORD))
    # The queue starts empty for every test.
    transaction.on_commit(lambda: OrmQ.objects.all().delete())


def _first(institution: Institution, name: str, role: Role) -> Acting:
    user = User.objects.create_user(email(name), full_name=PEOPLE[name])
    add_first_admin(institution=institution, user=user, role=role)
    return acting_for(user, institution.pk)


def _staff(letter: str, admin: str, doctor: str) -> tuple[Acting, Acting]:
    hospital = register_institution(
        name=HOSPITALS[letter], kind=Institution.Kind.HOSPITAL
    )
    acting = _first(hospital, admin, Role.HOSPITAL_ADMIN)
    member = add_member(
        institution=hospital,
        email=email(doctor),
        full_name=PEOPLE[doctor],
        role=Role.DOCTOR,
        by=acting.user,
    )
    return acting, acting_for(member.user, hospital.pk)


def _patient(
    name: str, born: date, number: str, guardian: str, *, by: Acting
) -> Patient:
    return register_patient(
        new=NewPatient(
            full_name=name,
            birth_date=born,
            hospital_number=number,
            guardian_name=PEOPLE[guardian],
            guardian_email=email(guardian),
        ),
        by=by,
    )


def _data_set(by: Acting) -> None:
    """A labelled set: graded, measured and published once, and on its way again."""
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        for number in range(2):
            archive.writestr(f"{SET_FOLDER}/{number}.png", picture(50 + number))
    data_set = add_data_set(
        title=SET_TITLE,
        purpose=Purpose.VALIDATION,
        content=[stream.getvalue()],
        by=by,
    )
    set_examiner.check(data_set.pk)
    run = finish_run(request_run(data_set=data_set, by=by))
    record_validation(run=run, report=sealed_report(run))
    publish_validation(run=run, figures=published_figures(EMPTY_REPORT), by=by)
    hand_back(run=half_done(request_run(data_set=data_set, by=by)))


def half_done(run: SetRun) -> SetRun:
    """A claimed run with its first picture graded, without the networks."""
    held = claim_run(run_id=run.pk)
    assert held
    images = run.data_set.contents.get(kind=SetContent.Kind.IMAGES)
    service = Institution.objects.get(kind=Institution.Kind.DIAGNOSIS_SERVICE)
    cipher = ResultCipher(data_key_of(images, service.holder_id), run.pk)
    begin_run(run=held, model_version="test-1", weights_sha256="ab" * 32)
    first = Result.of(1, report(Grade.SFU_4))
    record_results(run=held, rows=[(1, cipher.seal(first))])
    return held


def sealed_results(run: SetRun) -> Sealed:
    """Two pictures' results, on their way to the hospital."""
    results = SetResults(
        data_set=str(run.data_set_id),
        images_cid="",
        model_version="test-1",
        weights_sha256="ab" * 32,
        results=(Result.of(1, report(Grade.SFU_4)), Result.of(2, report())),
    )
    content = [results.to_json()]
    return put_sealed(run.data_set, SetContent.Kind.RESULTS, content, run=run)


def sealed_report(run: SetRun) -> Sealed:
    """A validation report of no figures."""
    return put_sealed(
        run.data_set,
        SetContent.Kind.VALIDATION,
        [json.dumps(EMPTY_REPORT).encode()],
        run=run,
    )


def finish_run(run: SetRun) -> SetRun:
    """A run that went its whole way, without the networks."""
    held = half_done(run)
    save_run(run=held)
    record_run(run=held, results=sealed_results(held))
    return SetRun.objects.get(pk=run.pk)


EMPTY_REPORT: dict[str, object] = dict.fromkeys(KEPT, 0) | {
    "accuracy_of_all": dict.fromkeys(("value", "low", "high")),
    "figures": {
        name: {"value": 0.5, "low": 0.25, "high": 0.75}
        for name in (
            "accuracy",
            "macro_precision",
            "macro_recall",
            "macro_f1",
            "roc_auc_macro",
            "ece",
        )
    },
    "per_class": {},
    "classes": [],
    "table": [],
    "plots": {},
    "drift": "No drift is seen.",
    "model_version": "test-1",
    "weights_sha256": "ab" * 32,
    "skipped": [],
    "earlier": [],
}
