"""An act whose record cannot be written has not happened."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from diagnosis import set_examiner
from diagnosis.actions.data_sets import (
    add_data_set,
    cancel_run,
    fetch_results,
    publish_validation,
    request_run,
    retry_run,
)
from diagnosis.actions.jobs import advance, claim, fail, record_grade, sweep
from diagnosis.actions.requests import cancel, request_grading, retry
from diagnosis.actions.set_checks import (
    claim_check,
    record_check,
    record_comparison,
    record_validation,
    refuse_check,
    sweep_checks,
)
from diagnosis.actions.set_runs import (
    begin_run,
    claim_run,
    fail_run,
    record_run,
    save_run,
    sweep_runs,
)
from diagnosis.actions.staff import try_again
from diagnosis.actions.verdicts import judge_grade
from diagnosis.actions.versions import (
    activate_version,
    register_version,
    retire_version,
    shadow_version,
)
from diagnosis.intake.outcomes import Outcome, Status
from diagnosis.models import (
    DataSet,
    GradingJob,
    Purpose,
    SetContent,
    SetRun,
    Standing,
    State,
    Verdict,
)
from diagnosis.models.grading_job import MAX_ATTEMPTS
from diagnosis.set_sealing import put_sealed
from ledger.errors import LedgerError
from portal.actions.institutions import register_institution, set_rules
from portal.actions.keys import renew_institution_keys
from portal.actions.members import add_first_admin, add_member
from portal.models import Institution, User
from portal.roles import Role
from portal.row_security import (
    UPKEEP,
    Party,
    examining,
    grading,
    in_the_name_of,
    running,
    sending,
)
from records.actions.consents import NewConsent, grant_consent, withdraw_consent
from records.actions.devices import revoke_device
from records.actions.documents import (
    NewDocument,
    add_document,
    open_document,
)
from records.actions.emergencies import review_emergency
from records.actions.erasure import ask_erasure, confirm_erasure, refuse_erasure
from records.actions.guardians import (
    add_guardian,
    freeze_guardian,
    restore_guardian,
)
from records.actions.keys import renew_patient_keys
from records.actions.majority import end_guardianships, hand_over
from records.actions.moving import move_patient
from records.actions.patients import (
    NewPatient,
    end_enrolment,
    enrol_patient,
    register_patient,
)
from records.actions.receiving import SentImage, receive_image
from records.actions.resealing import reseal_document
from records.models import Device, Document
from tests.architecture.snapshots import snapshot
from tests.architecture.test_actions import ACTIONS
from tests.cast import (
    Cast,
    add_image,
    finish_run,
    half_done,
    picture,
    report,
    sealed_report,
    sealed_results,
)
from tests.diagnosis.intake.archives import zipped
from tests.diagnosis.weights import weights_named

Act = Callable[[], Any]
APPENDING = (
    "diagnosis.steps.append",
    "portal.actions.institutions.append",
    "portal.actions.keys.append",
    "portal.actions.members.append",
    "records.recording.append",
    "diagnosis.set_recording.append",
)


def new_document() -> NewDocument:
    return NewDocument(
        kind=Document.Kind.IMAGE,
        name="scan.png",
        media_type="image/png",
        content=[picture(5)],
    )


def registers_institution(cast: Cast) -> Act:
    return lambda: register_institution(
        name="Elm Hospital", kind=Institution.Kind.HOSPITAL
    )


def adds_first_admin(cast: Cast) -> Act:
    user = User.objects.create_user("new@people.example", full_name="New Admin")
    new = register_institution(name="Elm Hospital", kind=Institution.Kind.HOSPITAL)
    return lambda: add_first_admin(institution=new, user=user, role=Role.HOSPITAL_ADMIN)


def adds_member(cast: Cast) -> Act:
    return lambda: add_member(
        institution=cast.b,
        email="new@people.example",
        full_name="New Doctor",
        role=Role.DOCTOR,
        by=cast.boris.user,
    )


def renews_institution_keys(cast: Cast) -> Act:
    return lambda: renew_institution_keys(institution=cast.a)


def renews_patient_keys(cast: Cast) -> Act:
    return lambda: renew_patient_keys(patient=cast.child)


def registers_patient(cast: Cast) -> Act:
    new = NewPatient(
        full_name="New Child",
        birth_date=date(2025, 1, 1),
        hospital_number="B-1",
        guardian_name="New Guardian",
        guardian_email="guardian@people.example",
    )
    return lambda: register_patient(new=new, by=cast.boris)


def enrols(cast: Cast) -> Act:
    return lambda: enrol_patient(
        code=cast.child.code, hospital_number="A-2", by=cast.ada
    )


def ends_enrolment(cast: Cast) -> Act:
    cast.consent()
    enrolment = cast.child.enrolments.get(institution=cast.b)
    return lambda: end_enrolment(enrolment=enrolment, by=cast.boris)


def adds_document(cast: Cast) -> Act:
    return lambda: add_document(
        patient=cast.child, institution=cast.b, new=new_document(), by=cast.bea
    )


def opens(cast: Cast) -> Act:
    return lambda: open_document(document=cast.image_b, acting=cast.bea)


def enrols_device(cast: Cast) -> Act:
    return cast.device


def enrols_device_of_hospital(cast: Cast) -> Act:
    return lambda: cast.device(by=cast.boris)


def revokes_device(cast: Cast) -> Act:
    device, _token = cast.device()
    return lambda: revoke_device(device=device, by=cast.grace)


def receives(cast: Cast) -> Act:
    device, _token = cast.device()
    return lambda: receive_image(device=device, patient=cast.child, image=sent_image())


def sent_image() -> SentImage:
    return SentImage(
        content=picture(12),
        name="12.png",
        media_type="image/png",
        instance="sha256:12",
        digest="12",
    )


def sets_rules(cast: Cast) -> Act:
    return lambda: set_rules(
        institution=cast.b, age_of_majority=16, retention_years=30, by=cast.boris
    )


def opens_emergency(cast: Cast) -> Act:
    return cast.emergency


def reviews(cast: Cast) -> Act:
    access, cora = cast.emergency(), cast.acting("cora")
    return lambda: review_emergency(
        access=access, is_justified=False, note="It could wait.", by=cora
    )


def asks_erasure(cast: Cast) -> Act:
    return lambda: ask_erasure(patient=cast.child, institution=cast.a, by=cast.grace)


def erases(cast: Cast) -> Act:
    erasure = cast.asked_to_erase()
    return lambda: confirm_erasure(erasure=erasure, by=cast.ada)


def refuses_erasure(cast: Cast) -> Act:
    erasure = cast.asked_to_erase()
    return lambda: refuse_erasure(erasure=erasure, reason="A court asks.", by=cast.ada)


def hands_over(cast: Cast) -> Act:
    cast.of_age()
    return lambda: hand_over(
        patient=cast.child, email="kim@people.example", by=cast.boris
    )


def ends_guardianships(cast: Cast) -> Act:
    cast.of_age()
    return lambda: end_guardianships(patient=cast.child, institution=cast.b)


def reseals(cast: Cast) -> Act:
    image = add_image(cast.child, cast.bea, picture(6))
    return lambda: reseal_document(document=image)


def a_day_for_b(cast: Cast) -> NewConsent:
    return NewConsent(institution=cast.b, until=timezone.now() + timedelta(days=1))


def grants(cast: Cast) -> Act:
    return lambda: grant_consent(
        patient=cast.child, new=a_day_for_b(cast), by=cast.grace
    )


def adds_guardian(cast: Cast) -> Act:
    return lambda: add_guardian(
        patient=cast.child,
        full_name="Greta Abernathy",
        email="greta@people.example",
        by=cast.boris,
    )


def freezes(cast: Cast) -> Act:
    guardian = cast.child.guardians.get()
    return lambda: freeze_guardian(guardian=guardian, by=cast.boris)


def restores(cast: Cast) -> Act:
    guardian = cast.child.guardians.get()
    freeze_guardian(guardian=guardian, by=cast.boris)
    return lambda: restore_guardian(guardian=guardian, by=cast.boris)


def moves(cast: Cast) -> Act:
    enrol_patient(code=cast.child.code, hospital_number="A-2", by=cast.ada)
    return lambda: move_patient(
        patient=cast.child, new=a_day_for_b(cast), leaving=[cast.a], by=cast.grace
    )


def withdraws(cast: Cast) -> Act:
    consent = cast.consent()
    return lambda: withdraw_consent(consent=consent, by=cast.grace)


def requests(cast: Cast) -> Act:
    return lambda: request_grading(
        image=cast.image_b, frame=0, desensitised_png=picture(3), by=cast.bea
    )


def claimed(cast: Cast) -> GradingJob:
    job = claim(job_id=cast.request().pk)
    assert job
    return job


def records_grade(cast: Cast) -> Act:
    job = claimed(cast)
    advance(job=job, to=State.RUNNING)
    advance(job=job, to=State.SAVING)
    kept = report().to_json()
    return lambda: record_grade(job=job, report=kept, model_version="test-1")


def fails(cast: Cast) -> Act:
    job = claimed(cast)
    return lambda: fail(job=job, sentence="It did not work.", traceback="…")


def cancels(cast: Cast) -> Act:
    job = claimed(cast)
    return lambda: cancel(job=job, by=cast.bea)


def retries(cast: Cast) -> Act:
    job = claimed(cast)
    fail(job=job, sentence="It did not work.", traceback="…")
    return lambda: retry(job=job, by=cast.bea)


def tries_again(cast: Cast) -> Act:
    job = claimed(cast)
    fail(job=job, sentence="It did not work.", traceback="…")
    return lambda: try_again(job_id=job.pk, by=cast.petra)


def sweeps(cast: Cast) -> Act:
    job = claimed(cast)
    GradingJob.objects.filter(pk=job.pk).update(
        heard_at=timezone.now() - timedelta(hours=1), attempts=MAX_ATTEMPTS
    )
    return sweep


def judges(cast: Cast) -> Act:
    job = cast.graded()
    return lambda: judge_grade(
        job=job,
        decision=Verdict.Decision.ACCEPTED,
        grade=None,
        reason="",
        by=cast.bea,
    )


def registers_version(cast: Cast) -> Act:
    folder = weights_named("other-1")
    return lambda: register_version(
        folder=folder, intended_use="Comparing.", warnings="None.", approved_by="Ada"
    )


def shadows(cast: Cast) -> Act:
    other = cast.other_version()
    return lambda: shadow_version(version=other, reason="A try.", by=cast.sven)


def activates(cast: Cast) -> Act:
    other = cast.other_version(Standing.SHADOW)
    return lambda: activate_version(version=other, reason="Better.", by=cast.sven)


def retires(cast: Cast) -> Act:
    version = cast.version
    return lambda: retire_version(version=version, reason="Wrong.", by=cast.petra)


def ready_set(cast: Cast) -> DataSet:
    """One that nobody has given to the service."""
    data_set = waiting_set(cast)
    set_examiner.check(data_set.pk)
    return DataSet.objects.get(pk=data_set.pk)


def waiting_set(cast: Cast) -> DataSet:
    return add_data_set(
        title="Autumn",
        purpose=Purpose.GRADING,
        content=[zipped({"a.png": picture(61), "b.png": picture(62)})],
        by=cast.bea,
    )


def checking_set(cast: Cast) -> DataSet:
    held = claim_check(set_id=waiting_set(cast).pk)
    assert held
    return held


def adds_set(cast: Cast) -> Act:
    return lambda: waiting_set(cast)


def gives_set(cast: Cast) -> Act:
    data_set = ready_set(cast)
    return lambda: request_run(data_set=data_set, by=cast.bea)


def running_set(cast: Cast) -> SetRun:
    return half_done(request_run(data_set=ready_set(cast), by=cast.bea))


def retries_set(cast: Cast) -> Act:
    run = running_set(cast)
    fail_run(run=run, sentence="It did not work.", traceback="…")
    return lambda: retry_run(run=run, by=cast.bea)


def cancels_set(cast: Cast) -> Act:
    run = running_set(cast)
    return lambda: cancel_run(run=run, by=cast.bea)


def fetches_results(cast: Cast) -> Act:
    run = cast.run_done
    return lambda: fetch_results(run=run, by=cast.bea)


def publishes(cast: Cast) -> Act:
    run = finish_run(request_run(data_set=ready_set(cast), by=cast.bea))
    return lambda: publish_validation(run=run, figures={}, by=cast.bea)


def checks_set(cast: Cast) -> Act:
    held = checking_set(cast)
    found = Outcome("a.png", Status.USED, "", number=1)
    manifest = put_sealed(held, SetContent.Kind.MANIFEST, [b"{}"])
    images = put_sealed(held, SetContent.Kind.IMAGES, [b"pictures"])
    return lambda: record_check(
        data_set=held, outcomes=[found], manifest=manifest, images=images
    )


def refuses_set(cast: Cast) -> Act:
    held = checking_set(cast)
    return lambda: refuse_check(data_set=held, sentence="It is no archive.")


def validates(cast: Cast) -> Act:
    run = finish_run(request_run(data_set=ready_set(cast), by=cast.bea))
    sealed = sealed_report(run)
    return lambda: record_validation(run=run, report=sealed)


def compares(cast: Cast) -> Act:
    run = cast.run_done
    return lambda: record_comparison(
        run=run, after=0, compared=2, differing=0, goes_on=False
    )


def sweeps_sets(cast: Cast) -> Act:
    held = checking_set(cast)
    DataSet.objects.filter(pk=held.pk).update(
        heard_at=timezone.now() - timedelta(hours=1), attempts=MAX_ATTEMPTS
    )
    return sweep_checks


def begins_run(cast: Cast) -> Act:
    run = claim_run(run_id=request_run(data_set=ready_set(cast), by=cast.bea).pk)
    assert run
    return lambda: begin_run(run=run, model_version="x-1", weights_sha256="cd" * 32)


def records_run(cast: Cast) -> Act:
    run = running_set(cast)
    save_run(run=run)
    sealed = sealed_results(run)
    return lambda: record_run(run=run, results=sealed)


def fails_run(cast: Cast) -> Act:
    run = running_set(cast)
    return lambda: fail_run(run=run, sentence="It did not work.", traceback="…")


def sweeps_runs(cast: Cast) -> Act:
    run = running_set(cast)
    SetRun.objects.filter(pk=run.pk).update(
        heard_at=timezone.now() - timedelta(hours=1), attempts=MAX_ATTEMPTS
    )
    return sweep_runs


RECORDED: dict[str, Callable[[Cast], Act]] = {
    "portal.actions.institutions.register_institution": registers_institution,
    "portal.actions.institutions.set_rules": sets_rules,
    "portal.actions.keys.renew_institution_keys": renews_institution_keys,
    "records.actions.keys.renew_patient_keys": renews_patient_keys,
    "portal.actions.members.add_first_admin": adds_first_admin,
    "portal.actions.members.add_member": adds_member,
    "records.actions.patients.register_patient": registers_patient,
    "records.actions.patients.enrol_patient": enrols,
    "records.actions.patients.end_enrolment": ends_enrolment,
    "records.actions.documents.add_document": adds_document,
    "records.actions.documents.open_document": opens,
    "records.actions.resealing.reseal_document": reseals,
    "records.actions.devices.enrol_device": enrols_device,
    "records.actions.devices.revoke_device": revokes_device,
    "records.actions.receiving.receive_image": receives,
    "records.actions.consents.grant_consent": grants,
    "records.actions.consents.withdraw_consent": withdraws,
    "records.actions.guardians.add_guardian": adds_guardian,
    "records.actions.guardians.freeze_guardian": freezes,
    "records.actions.guardians.restore_guardian": restores,
    "records.actions.moving.move_patient": moves,
    "records.actions.emergencies.open_emergency": opens_emergency,
    "records.actions.emergencies.review_emergency": reviews,
    "records.actions.erasure.ask_erasure": asks_erasure,
    "records.actions.erasure.confirm_erasure": erases,
    "records.actions.erasure.refuse_erasure": refuses_erasure,
    "records.actions.majority.hand_over": hands_over,
    "records.actions.majority.end_guardianships": ends_guardianships,
    "diagnosis.actions.requests.request_grading": requests,
    "diagnosis.actions.jobs.record_grade": records_grade,
    "diagnosis.actions.jobs.fail": fails,
    "diagnosis.actions.requests.cancel": cancels,
    "diagnosis.actions.requests.retry": retries,
    "diagnosis.actions.staff.try_again": tries_again,
    "diagnosis.actions.jobs.sweep": sweeps,
    "diagnosis.actions.verdicts.judge_grade": judges,
    "diagnosis.actions.versions.register_version": registers_version,
    "diagnosis.actions.versions.shadow_version": shadows,
    "diagnosis.actions.versions.activate_version": activates,
    "diagnosis.actions.versions.retire_version": retires,
    "diagnosis.actions.data_sets.add_data_set": adds_set,
    "diagnosis.actions.data_sets.request_run": gives_set,
    "diagnosis.actions.data_sets.retry_run": retries_set,
    "diagnosis.actions.data_sets.cancel_run": cancels_set,
    "diagnosis.actions.data_sets.fetch_results": fetches_results,
    "diagnosis.actions.data_sets.publish_validation": publishes,
    "diagnosis.actions.set_checks.record_check": checks_set,
    "diagnosis.actions.set_checks.refuse_check": refuses_set,
    "diagnosis.actions.set_checks.record_validation": validates,
    "diagnosis.actions.set_checks.record_comparison": compares,
    "diagnosis.actions.set_checks.sweep_checks": sweeps_sets,
    "diagnosis.actions.set_runs.begin_run": begins_run,
    "diagnosis.actions.set_runs.record_run": records_run,
    "diagnosis.actions.set_runs.fail_run": fails_run,
    "diagnosis.actions.set_runs.sweep_runs": sweeps_runs,
}


def of(name: str) -> Callable[[Cast], Party]:
    return lambda cast: cast.acting(name).party


def of_the_device(cast: Cast) -> Party:
    return sending(Device.objects.get().pk)


def of_the_job(cast: Cast) -> Party:
    return grading(GradingJob.objects.latest("requested_at").pk)


def of_the_set(cast: Cast) -> Party:
    return examining(DataSet.objects.latest("created_at").pk)


def of_the_run(cast: Cast) -> Party:
    return running(SetRun.objects.latest("requested_at").pk)


PARTIES: dict[Callable[[Cast], Act], Callable[[Cast], Party]] = {
    adds_member: of("boris"),
    sets_rules: of("boris"),
    registers_patient: of("boris"),
    enrols: of("ada"),
    ends_enrolment: of("boris"),
    adds_document: of("bea"),
    opens: of("bea"),
    enrols_device: of("grace"),
    enrols_device_of_hospital: of("boris"),
    revokes_device: of("grace"),
    receives: of_the_device,
    grants: of("grace"),
    withdraws: of("grace"),
    adds_guardian: of("boris"),
    freezes: of("boris"),
    restores: of("boris"),
    moves: of("grace"),
    opens_emergency: of("carl"),
    reviews: of("cora"),
    asks_erasure: of("grace"),
    erases: of("ada"),
    refuses_erasure: of("ada"),
    hands_over: of("boris"),
    requests: of("bea"),
    records_grade: of_the_job,
    fails: of_the_job,
    cancels: of("bea"),
    retries: of("bea"),
    tries_again: of("petra"),
    judges: of("bea"),
    shadows: of("sven"),
    activates: of("sven"),
    retires: of("petra"),
    adds_set: of("bea"),
    gives_set: of("boris"),
    retries_set: of("bea"),
    cancels_set: of("bea"),
    fetches_results: of("bea"),
    publishes: of("bea"),
    checks_set: of_the_set,
    refuses_set: of_the_set,
    validates: of_the_set,
    compares: of_the_set,
    begins_run: of_the_run,
    records_run: of_the_run,
    fails_run: of_the_run,
}
"""As whom a page, or the worker, does it."""
BY_THE_SITE = {
    registers_institution,
    registers_version,
    adds_first_admin,
    ends_guardianships,
    renews_institution_keys,
    renews_patient_keys,
    reseals,
    sweeps,
    sweeps_sets,
    sweeps_runs,
}


class AppendFails(LedgerError):
    """The ledger takes nothing."""


@pytest.mark.parametrize("prepare", RECORDED.values(), ids=RECORDED)
def test_nothing_has_changed_where_the_record_fails(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Cast], Act]
):
    act = prepare(cast)
    before = snapshot()

    def refuse(**_: object) -> bytes:
        raise AppendFails

    for appending in APPENDING:
        monkeypatch.setattr(appending, refuse)
    with pytest.raises(AppendFails):
        act()
    assert snapshot() == before


@pytest.mark.parametrize("prepare", RECORDED.values(), ids=RECORDED)
def test_what_happens_is_queued_for_the_ledger(
    cast: Cast, prepare: Callable[[Cast], Act]
):
    act = prepare(cast)
    before = set(snapshot()["ledger.inbox"])
    act()
    assert set(snapshot()["ledger.inbox"]) > before


@pytest.mark.parametrize(
    ("prepare", "party"), PARTIES.items(), ids=[each.__name__ for each in PARTIES]
)
def test_an_action_does_the_same_behind_the_second_wall(
    cast: Cast,
    prepare: Callable[[Cast], Act],
    party: Callable[[Cast], Party],
):
    """What the policies hide from whoever acts must not go undone without a word."""
    changed = []
    for who in (lambda _: UPKEEP, party):
        with transaction.atomic():
            act = prepare(cast)
            before = snapshot()
            with in_the_name_of(who(cast)):
                act()
            after = snapshot()
            changed.append(
                {
                    table: (
                        len(after[table]) - len(before[table]),
                        len({*after[table]} - {*before[table]}),
                    )
                    for table in after
                }
            )
            transaction.set_rollback(True)
    assert changed[0] == changed[1]


def test_what_nobody_is_named_for_the_site_does_itself():
    assert {*RECORDED.values()} - {*PARTIES} == BY_THE_SITE
    assert {*PARTIES} - {*RECORDED.values()} == {enrols_device_of_hospital}


def test_no_action_is_left_out():
    silent = {
        name
        for name, action in ACTIONS.items()
        if "Records: nothing" in (action.__doc__ or "")
    }
    assert set(RECORDED) | silent == set(ACTIONS)
    assert not set(RECORDED) & silent
