"""Two walls stand around every patient: each holds with the other one taken away."""

import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import get_resolver, reverse

import records.permissions
from diagnosis.actions.shadows import keep_shadow
from diagnosis.grading.scale import Grade
from diagnosis.models import (
    GradingJob,
    ModelStep,
    ModelVersion,
    PublishedReport,
    Verdict,
)
from portal.acting import Acting
from portal.database import admin_conninfo
from portal.models import Membership, Notification, PrivateKey
from portal.roles import READ_CONTENT, ROLES, SEE_ACTS
from portal.row_security import NOBODY, UPKEEP, grading, in_the_name_of, sending
from records.actions.consents import withdraw_consent
from records.actions.devices import revoke_device
from records.actions.erasure import confirm_erasure
from records.actions.majority import hand_over
from records.device_rules import wards_of
from records.models import (
    Act,
    Consent,
    Device,
    Document,
    Enrolment,
    Guardian,
    KeyWrap,
    Patient,
)
from records.permissions import (
    Relation,
    readable_documents,
    visible_enrolments,
    visible_patients,
)
from records.scope import Extent, Scope
from tests.architecture.test_every_page import (
    ASKED,
    ASKERS,
    PAGES,
    ROWS,
    Page,
    allow,
    answer,
)
from tests.cast import CHILD, FILE_NAME, REASON, Cast, email
from tests.conftest import BACKEND

WALLED: tuple[Any, ...] = (
    *apps.get_app_config("records").get_models(),
    *apps.get_app_config("diagnosis").get_models(),
    Membership,
    Notification,
    PrivateKey,
)
PEOPLE = ["grace", "oscar", "alan", "bea", "ada", "boris", "carl", "petra"]


def seen(model: Any) -> set[Any]:
    """The keys of all rows that the database shows, whatever is asked for."""
    return set(model.objects.values_list("pk", flat=True))


def something_everywhere(cast: Cast) -> None:
    """A row in every table that is walled."""
    cast.consent()
    cast.asked_to_erase()
    cast.emergency(by=cast.alan)
    keep_shadow(version=cast.other_version(), beside=cast.version, pair=None)
    cast.sent_by_device()


# The wall stands.


def test_every_table_of_a_patient_or_tenant_is_walled(db):
    with psycopg.connect(admin_conninfo(), dbname="anamnesis") as superuser:
        found = superuser.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert {name for (name,) in found} == {m._meta.db_table for m in WALLED}


@pytest.mark.parametrize("model", WALLED, ids=lambda model: model.__name__)
def test_raw_sql_of_the_web_that_names_nobody_sees_nothing(cast: Cast, model):
    table = model._meta.db_table
    something_everywhere(cast)
    assert seen(model), "there must be something to hide"
    with in_the_name_of(NOBODY), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        rows = cursor.fetchall()
    if model is PrivateKey:  # the site's own: log and witness, signing and sealing
        assert len(rows) == 4
    else:
        assert rows == []


@pytest.mark.parametrize("model", WALLED, ids=lambda model: model.__name__)
@pytest.mark.parametrize("name", ["oscar", "carl", "petra"])
def test_raw_sql_in_the_name_of_a_stranger_changes_nothing(cast: Cast, name, model):
    something_everywhere(cast)
    table, pk = model._meta.db_table, model._meta.pk.column
    before = rows(model)
    with in_the_name_of(cast.acting(name).party):
        own = seen(model)
        for change in (f"UPDATE {table} SET {pk} = {pk}", f"DELETE FROM {table}"):
            with connection.cursor() as cursor:
                cursor.execute(f"{change} WHERE {pk} <> ALL (%s)", [list(own)])
    assert rows(model) == before
    if model is PublishedReport:
        return  # everybody sees all of them, and nobody changed one
    # Who counts everybody's people, and steers the versions of the networks.
    if name != "petra" or model not in (Membership, ModelVersion, ModelStep):
        assert len(before) > len(own), "there must be something to change"


WARD_MORE = """
    INSERT INTO records_deviceward (device_id, patient_id)
    SELECT id, '{other}' FROM records_device
"""
ATTACKS = {
    # What a person who sees a row must not do to it, whatever a page forgot.
    "former doctor, the patient's key holder": (
        "alan",
        "UPDATE records_patient SET holder_id = '00000000-0000-0000-0000-000000000001'",
    ),
    "former doctor, the family's wraps": ("alan", "DELETE FROM records_keywrap"),
    "former doctor, the row": ("alan", "UPDATE records_document SET cid = 'bafk'"),
    "emergency doctor, the row": ("carl", "UPDATE records_document SET cid = 'bafk'"),
    "emergency doctor, a longer hour": (
        "carl",
        "UPDATE records_emergencyaccess SET until = until + interval '1 second'",
    ),
    "doctor, the row": ("bea", "UPDATE records_document SET institution_id = 1"),
    "doctor, the family's wraps": ("bea", "DELETE FROM records_keywrap"),
    "doctor, a consent": ("bea", "UPDATE records_consent SET closed_at = NULL"),
    "admin, a consent": (
        "boris",
        "UPDATE records_consent SET closed_at = NULL, until = 'infinity'",
    ),
    "admin, a guardian": ("boris", "UPDATE records_guardian SET user_id = {boris}"),
    "admin, wraps": ("boris", "DELETE FROM records_keywrap"),
    "admin, an act": ("boris", "UPDATE records_act SET salt = ''"),
    "guardian, an ended care": (
        "grace",
        "UPDATE records_enrolment SET ended_at = NULL WHERE ended_at IS NOT NULL",
    ),
    "guardian, an act": ("grace", "DELETE FROM records_act"),
    "guardian, an emergency": ("grace", "DELETE FROM records_emergencyaccess"),
    "guardian, another guardian": (
        "grace",
        "UPDATE records_guardian SET frozen_at = NULL",
    ),
    "platform's admin, what a version is": (
        "petra",
        "UPDATE diagnosis_modelversion SET weights_sha256 = repeat('0', 64)",
    ),
    "platform's admin, a version": ("petra", "DELETE FROM diagnosis_modelversion"),
    "platform's admin, a step": (
        "petra",
        "UPDATE diagnosis_modelstep SET actor_id = 1",
    ),
    "doctor, which version grades": (
        "bea",
        "UPDATE diagnosis_modelversion SET standing = 'retired'",
    ),
    "guardian, a longer life of a device": (
        "grace",
        "UPDATE records_device SET expires_at = 'infinity'",
    ),
    "admin, a device back": (
        "boris",
        "UPDATE records_device SET revoked_at = NULL",
    ),
    "guardian, a device for another child": (
        "grace",
        WARD_MORE,
    ),
    "admin, a family's device for another child": (
        "boris",
        WARD_MORE,
    ),
    "doctor, another's set": (
        "bea",
        "UPDATE diagnosis_dataset SET institution_id = institution_id + 1",
    ),
    "doctor, the hospital's key to a set": ("bea", "DELETE FROM diagnosis_setcontent"),
    "doctor, an act about a set": ("bea", "UPDATE diagnosis_setact SET salt = ''"),
    "admin, what is published": (
        "boris",
        "UPDATE diagnosis_publishedreport SET figures = '{{}}'",
    ),
    "doctor, what another is told": (
        "bea",
        "UPDATE portal_notification SET read_at = NULL, path = '/elsewhere/'",
    ),
    "doctor, who is told": (
        "alan",
        "UPDATE portal_notification SET person_id = {boris}",
    ),
    "doctor, words in the portal's name": (
        "bea",
        """INSERT INTO portal_notification (person_id, sentence, path, made_at)
        VALUES ({boris}, 'Send your password.', '/', now())""",
    ),
    "guardian, an erasure": ("grace", "UPDATE records_erasure SET decision = 'done'"),
}


@pytest.mark.parametrize(("name", "attack"), ATTACKS.values(), ids=ATTACKS)
def test_raw_sql_of_somebody_who_sees_a_row_does_not_change_it(
    cast: Cast, name: str, attack: str
):
    withdraw_consent(consent=cast.consent(), by=cast.grace)
    cast.asked_to_erase()
    cast.emergency()
    cast.device()
    before = {model: rows(model) for model in WALLED}
    statement = attack.format(boris=cast.boris.user.pk, other=cast.other_child.pk)
    with in_the_name_of(cast.acting(name).party), connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute(statement)
        except DatabaseError as refusal:
            says = str(refusal)
            assert "row-level security" in says or "does not change" in says
    assert {model: rows(model) for model in WALLED} == before


def rows(model: Any) -> list[Any]:
    return sorted(model.objects.values_list(), key=repr)


def test_the_roles_that_the_database_knows_are_those_of_the_table(cast: Cast):
    read = {role for role, held in ROLES.items() if READ_CONTENT in held}
    see = {role for role, held in ROLES.items() if SEE_ACTS in held}
    for name in PEOPLE:
        acting = cast.acting(name)
        with in_the_name_of(acting.party), connection.cursor() as cursor:
            cursor.execute("SELECT access.doctor_at(), access.admin_at()")
            as_doctor, as_admin = cursor.fetchone()
        role = acting.membership.role if acting.membership else None
        own = acting.institution.pk if acting.institution else None
        assert as_doctor == (own if role in read else None)
        assert as_admin == (own if role in see else None)


def test_an_institution_counts_only_for_its_members(cast: Cast):
    liar = cast.carl.party
    with in_the_name_of(type(liar)(liar.person, cast.b.pk)):
        assert not seen(Patient) | seen(Document) | seen(KeyWrap) | seen(Act)


# Both walls say the same.


def nothing(cast: Cast) -> None:
    pass


def everything(cast: Cast) -> None:
    cast.consent()


def only_images(cast: Cast) -> None:
    cast.consent(Scope(Extent.KIND, kind=Document.Kind.IMAGE))


def only_grades(cast: Cast) -> None:
    cast.consent(Scope(Extent.KIND, kind=Document.Kind.GRADE_REPORT))


def only_one(cast: Cast) -> None:
    cast.consent(Scope(Extent.DOCUMENTS, documents=frozenset({cast.image_a.pk})))


def expired(cast: Cast) -> None:
    cast.expire(cast.consent())


def frozen(cast: Cast) -> None:
    cast.child.guardians.update(frozen_at=cast.child.created_at)


def emergency(cast: Cast) -> None:
    cast.emergency()


def emergency_of_the_own_doctor(cast: Cast) -> None:
    cast.emergency(by=cast.bea)


def handed_over(cast: Cast) -> None:
    cast.of_age()
    hand_over(patient=cast.child, email="kim@people.example", by=cast.boris)


def erased(cast: Cast) -> None:
    confirm_erasure(erasure=cast.asked_to_erase(), by=cast.ada)


def left(cast: Cast) -> None:
    cast.consent()
    Enrolment.objects.filter(patient=cast.child, institution=cast.b).update(
        ended_at=cast.image_b.created_at
    )


SITUATIONS = [
    nothing,
    everything,
    only_images,
    only_grades,
    only_one,
    expired,
    frozen,
    emergency,
    emergency_of_the_own_doctor,
    handed_over,
    erased,
    left,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", PEOPLE)
def test_both_walls_let_the_same_through(
    cast: Cast, name: str, situation: Callable[[Cast], None]
):
    situation(cast)
    acting = cast.acting(name)
    patients = list(Patient.objects.all())
    known = {patient.pk for patient in visible_patients(acting)}
    readable = {
        document.pk
        for patient in patients
        for document in readable_documents(acting, patient)
    }
    enrolments = {
        enrolment.pk
        for patient in patients
        if patient.pk in known
        for enrolment in visible_enrolments(acting, patient)
    }
    with in_the_name_of(acting.party):
        assert seen(Patient) == known
        assert seen(Enrolment) == enrolments
        assert openable(acting) == readable


def openable(acting: Acting) -> set[Any]:
    """The documents of which the database gives a wrap with the key that opens it."""
    keys = PrivateKey.objects.values("key_id")
    kept = Document.objects.kept()
    wraps = KeyWrap.objects.filter(key_id__in=keys, document__in=kept)
    return set(wraps.values_list("document", flat=True))


def test_the_service_sees_the_one_copy_of_the_one_job_it_runs(cast: Cast):
    job = cast.request()
    with in_the_name_of(grading(job.pk)):
        assert seen(GradingJob) == {job.pk}
        assert openable(cast.alan) == set()
        assert set(KeyWrap.objects.values_list("document", flat=True)) == {job.copy_id}
        assert seen(Patient) == {job.image.patient_id}
        for model in (Consent, Enrolment, Guardian, Membership, Verdict, Act):
            assert not seen(model)


# A device sees for whom it sends, and opens nothing.


def test_a_device_sees_its_child_and_what_it_sent_and_no_key_that_opens(cast: Cast):
    cast.consent()
    document = cast.sent_by_device()
    device = Device.objects.get()
    with in_the_name_of(sending(device.pk)):
        assert seen(Patient) == {cast.child.pk}
        assert seen(Document) == {document.pk}
        assert openable(cast.grace) == set()
        assert seen(Device) == {device.pk}
        for model in (Consent, Membership, Verdict, GradingJob, Act):
            assert not seen(model)


ENDINGS = {
    "revoked": lambda c, d: revoke_device(device=d, by=c.grace),
    "run out": lambda c, d: Device.objects.update(expires_at=c.child.created_at),
    "frozen guardian": lambda c, d: c.child.guardians.update(frozen_at=d.enrolled_at),
    "care ended": lambda c, d: left(c),
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_both_walls_close_for_a_device_that_may_no_longer_send(cast: Cast, end):
    device, _token = cast.device()
    end(cast, device)
    assert not wards_of(device).exists()
    with in_the_name_of(sending(device.pk)):
        assert not seen(Patient) | seen(Document) | seen(KeyWrap)


DEVICE_ATTACKS = {
    "another child's document": (
        "INSERT INTO records_document SELECT (jsonb_populate_record(d, jsonb_build_object("
        "'id', gen_random_uuid(), 'patient_id', '{other}',"
        " 'statement_id', '\\x00'::bytea))).* FROM records_document d"
    ),
    "its own longer life": "UPDATE records_device SET expires_at = 'infinity'",
    "one more child": WARD_MORE,
    "what it sent": "UPDATE records_document SET cid = 'bafk'",
    "its act": "DELETE FROM records_act",
    "its wraps": "DELETE FROM records_keywrap",
    "the child": "UPDATE records_patient SET holder_id = holder_id",
}


@pytest.mark.parametrize("attack", DEVICE_ATTACKS.values(), ids=DEVICE_ATTACKS)
def test_raw_sql_of_a_device_changes_nothing(cast: Cast, attack: str):
    cast.sent_by_device()
    device = Device.objects.get()
    before = {model: rows(model) for model in WALLED}
    statement = attack.format(other=cast.other_child.pk)
    with in_the_name_of(sending(device.pk)), connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute(statement)
        except DatabaseError as refusal:
            assert "row-level security" in str(refusal)  # noqa: PT017
    assert {model: rows(model) for model in WALLED} == before


# The first wall taken away: the database still refuses.


@contextmanager
def without_the_rule() -> Iterator[None]:
    """Python believes everybody to be the guardian of everybody."""

    def guardian(*_: Any) -> Relation:
        return Relation.GUARDIAN

    def everyone(*_: Any) -> Any:
        return Patient.objects.all()

    instead = {"relation": guardian, "visible_patients": everyone, "wards": everyone}
    assert get_resolver().url_patterns  # so that every module is there to be deceived
    with pytest.MonkeyPatch.context() as patch:
        for name, believing in instead.items():
            rule = getattr(records.permissions, name)
            for module in list(sys.modules.values()):
                if vars(module).get(name) is rule:
                    patch.setattr(module, name, believing)
        yield


def asked_without_the_rule(client: Client, method: str, page: Page) -> str:
    """Everything that is shown on the way."""
    cast = Cast()
    page.ready(cast)
    address, data = reverse(page.name, args=page.args(cast)), page.data(cast)
    client.raise_request_exception = False
    with without_the_rule():
        send = client.post if method == "POST" else client.get
        return everything_in(send(address, data, follow=True))


def everything_in(response: Any) -> str:
    """The text of an answer; of an archive, that of every file in it."""
    content: bytes = response.getvalue()
    if zipfile.is_zipfile(BytesIO(content)):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
    return content.decode(errors="replace")


CONTENT = (FILE_NAME, REASON, "data:image/png;base64", Grade.SFU_3.plain)
STRANGERS = ["oscar", "carl", "petra"]
OPEN = "200", "302"


def closed(asker: str) -> list[tuple[str, str]]:
    """What the policy hides from a person, by method and page."""
    cells = [row[ASKERS.index(asker)] for row in ROWS]
    return [
        (str(method), str(page))
        for (method, page), cell in zip(ASKED, cells, strict=True)
        if cell not in OPEN
    ]


@pytest.mark.parametrize("asker", [*STRANGERS, "boris", "ada"])
def test_without_the_rule_no_page_gives_away_what_is_not_theirs(
    cast: Cast, sign_in, asker: str
):
    client = sign_in(asker)
    secrets = CONTENT if asker in {"boris", "ada"} else (CHILD, *CONTENT)
    assert len(closed(asker)) > 25
    for method, page in closed(asker):
        with kept_for_nothing():
            text = asked_without_the_rule(client, method, PAGES[page])
        assert not [secret for secret in secrets if secret in text], (method, page)


def test_the_pages_would_give_it_away_without_either_wall(cast: Cast, sign_in):
    shown = ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Acting, "party", UPKEEP)
        for method, page in closed("carl"):
            with kept_for_nothing():
                shown += asked_without_the_rule(sign_in("carl"), method, PAGES[page])
    assert all(secret in shown for secret in (CHILD, *CONTENT))


@pytest.mark.parametrize("asker", STRANGERS)
@pytest.mark.parametrize("page", ["withdraw", "upload", "guardians", "consents"])
def test_without_the_rule_nobody_changes_anothers_history(
    cast: Cast, sign_in, asker: str, page: str
):
    client = sign_in(asker)
    if page == "withdraw":
        cast.consent()
    before = state()
    asked_without_the_rule(client, "POST", PAGES[page])
    assert state() == before


def state() -> list[Any]:
    rows = (
        model.objects.order_by("pk").values_list()
        for model in (Document, Guardian, Consent, KeyWrap)
    )
    return [list(row) for row in rows]


# The second wall taken away: the rule still refuses.


@pytest.fixture
def without_the_database(committed_cast: Cast) -> Cast:
    """No table has policies any more."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(admin_conninfo(), dbname=name, autocommit=True) as superuser:
        for model in WALLED:
            table = model._meta.db_table
            superuser.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    return committed_cast


def test_without_the_database_every_page_answers_as_the_policy_says(
    without_the_database: Cast,
):
    from portal.models import User

    with in_the_name_of(NOBODY):
        assert seen(Patient)
    given = {}
    with transaction.atomic():
        for asker in ASKERS:
            client = Client()
            with kept_for_nothing():
                allow(without_the_database, asker)
                if asker != "nobody":
                    user = User.objects.get(email=email(asker.rstrip("+~")))
                    client.force_login(user, backend=BACKEND)
                for method, page in ASKED:
                    with kept_for_nothing():
                        status = answer(client, str(method), PAGES[page])
                    given[method, page, asker] = status
    expected = {
        (method, page, asker): cell
        for (method, page), row in zip(ASKED, ROWS, strict=True)
        for asker, cell in zip(ASKERS, row, strict=True)
    }
    assert {k: v for k, v in given.items() if v != expected[k]} == {}


@contextmanager
def kept_for_nothing() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Who asked last leaves nothing on the connection.

SAID = "current_setting('anamnesis.person', true)"


def left_on_the_connection() -> tuple[Any, ...]:
    """Asked under Django, whose statements would say who asks."""
    row = connection.connection.execute(f"SELECT pg_backend_pid(), {SAID}").fetchone()
    return tuple(row)


def test_a_connection_carries_nobody_over(committed_cast: Cast):
    cast = committed_cast
    seen(Patient)
    (pid, said), child = left_on_the_connection(), cast.child.pk
    assert not said
    with in_the_name_of(cast.grace.party):
        assert seen(Patient) == {child}
        assert left_on_the_connection() == (pid, "")
        with transaction.atomic():
            assert seen(Patient) == {child}
            assert left_on_the_connection() == (pid, str(cast.grace.user.pk))
        assert left_on_the_connection() == (pid, "")
        with transaction.atomic():
            seen(Patient)
            transaction.set_rollback(True)
    assert left_on_the_connection() == (pid, "")
    with in_the_name_of(cast.oscar.party):
        assert child not in seen(Patient)
    with in_the_name_of(NOBODY):
        assert not seen(Patient)
        with transaction.atomic():
            assert not seen(Patient)
    assert left_on_the_connection() == (pid, "")


def test_one_transaction_may_hold_several_parties(cast: Cast):
    with in_the_name_of(cast.grace.party):
        assert seen(Patient) == {cast.child.pk}
        with in_the_name_of(UPKEEP):
            assert len(seen(Patient)) == 2
        assert seen(Patient) == {cast.child.pk}
        with in_the_name_of(NOBODY):
            assert not seen(Patient)


def test_an_error_leaves_the_party_and_the_savepoint_as_they_were(cast: Cast):
    with in_the_name_of(cast.grace.party):
        with pytest.raises(DatabaseError), transaction.atomic():
            Patient.objects.raw("SELECT 1 / 0 AS id")[0]
        assert seen(Patient) == {cast.child.pk}


def test_a_request_ends_with_nobody(committed_cast: Cast, static_files):
    client = Client()
    client.force_login(committed_cast.grace.user, backend=BACKEND)
    with in_the_name_of(NOBODY):
        assert CHILD in client.get("/family/").text
        assert not seen(Patient)
    assert left_on_the_connection()[1] in {"", None}


@pytest.mark.parametrize("task", ["x'; DROP TABLE records_patient; --", "'"])
def test_a_party_is_no_way_into_a_statement(task: str):
    with pytest.raises(ValueError, match="is no party"):
        type(NOBODY)(task=task)
