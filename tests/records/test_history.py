"""The timeline shows each reader what they may know, with its proof."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger.events import EVENTS, Event
from ledger.models import Entry
from records.actions.documents import open_document
from records.history import timeline, visible_acts
from records.models import Act, Document, Guardian
from records.narrowing import Topic
from records.views import patients
from tests.architecture.snapshots import snapshot
from tests.cast import (
    CHILD,
    FILE_NAME,
    OTHER_CHILD,
    PEOPLE,
    REASON,
    Cast,
    add_image,
    picture,
)
from tests.ledger.world import World

OPENED = EVENTS[Event.DOCUMENT_OPENED].sentence


def history(client: Client, cast: Cast) -> str:
    return client.get(reverse("patient", args=[cast.child.pk])).text


def hospitals(cast: Cast, name: str) -> set[str]:
    acts = visible_acts(cast.acting(name), cast.child)
    return {act.institution.name for act in acts}


def events(cast: Cast, name: str) -> set[Event]:
    return {Event(act.event) for act in visible_acts(cast.acting(name), cast.child)}


def test_the_guardian_sees_both_hospitals_on_one_timeline(cast: Cast, sign_in):
    page = history(sign_in("grace"), cast)
    assert "Ashford Hospital" in page
    assert "Birchwood Hospital" in page
    assert page.count(FILE_NAME) >= 2


def test_a_doctor_sees_the_other_hospital_between_grant_and_end_only(cast: Cast):
    assert hospitals(cast, "bea") == {"Birchwood Hospital"}
    consent = cast.consent()
    assert hospitals(cast, "bea") == {"Birchwood Hospital", "Ashford Hospital"}
    cast.expire(consent)
    assert hospitals(cast, "bea") == {"Birchwood Hospital"}


def test_a_former_doctor_sees_nothing_of_the_new_hospital(cast: Cast, sign_in):
    assert hospitals(cast, "alan") == {"Ashford Hospital"}
    assert "Birchwood" not in history(sign_in("alan"), cast).split('id="care-title"')[0]


def test_an_admin_sees_what_was_done_and_no_way_to_open_it(cast: Cast, sign_in):
    page = history(sign_in("ada"), cast)
    assert "An ultrasound image was added." in page
    assert FILE_NAME not in page
    assert "/documents/" not in page


@pytest.mark.parametrize("name", ["grace", "alan", "bea"])
def test_everything_linked_can_be_opened(cast: Cast, name: str):
    cast.consent()
    acting = cast.acting(name)
    client = Client()
    client.force_login(acting.user)
    items = timeline(acting, cast.child, visible_acts(acting, cast.child))
    assert any(item.url for item in items)
    for url in {item.url for item in items} - {""}:
        assert client.get(url, follow=True).status_code == 200


def test_nobody_is_told_who_looked_but_the_guardian(cast: Cast):
    cast.consent()
    open_document(document=cast.image_a, acting=cast.bea)
    assert Event.DOCUMENT_OPENED in events(cast, "grace")
    assert not {Event.DOCUMENT_OPENED, Event.CONSENT_GRANTED} & events(cast, "bea")
    assert Event.DOCUMENT_OPENED not in events(cast, "alan")


@pytest.mark.parametrize("name", ["carl", "oscar", "petra"])
def test_a_stranger_sees_no_act(cast: Cast, name: str):
    assert events(cast, name) == set()


def test_who_looked_names_the_doctor_to_the_guardian_alone(cast: Cast, sign_in):
    cast.consent()
    sign_in("bea").get(reverse("document", args=[cast.image_a.pk]))
    page = sign_in("grace").get(reverse("audit")).text
    assert OPENED in page
    assert PEOPLE["bea"] in page
    assert OPENED not in sign_in("oscar").get(reverse("audit")).text


def test_an_admin_sees_the_acts_of_the_own_hospital_only(cast: Cast, sign_in):
    open_document(document=cast.image_b, acting=cast.bea)
    page = sign_in("ada").get(reverse("audit")).text
    assert "Ashford Hospital" in page
    assert "Birchwood Hospital" not in page
    assert PEOPLE["bea"] not in page
    assert PEOPLE["bea"] in sign_in("boris").get(reverse("audit")).text


def test_the_page_of_a_long_history_asks_the_database_no_more(cast: Cast):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            acts = visible_acts(cast.grace, cast.child)
            timeline(
                cast.grace,
                cast.child,
                acts.select_related("institution", "actor", "document"),
            )
        return len(asked)

    queries()  # opens the keys, which stay open
    few = queries()
    for seed in range(5):
        add_image(cast.child, cast.bea, picture(20 + seed))
    assert queries() == few


# The lists


def test_a_hospital_lists_its_own_patients_only(cast: Cast, sign_in):
    at_b = sign_in("bea").get(reverse("patients")).text
    assert CHILD in at_b
    assert OTHER_CHILD in at_b
    at_a = sign_in("ada").get(reverse("patients")).text
    assert CHILD in at_a
    assert OTHER_CHILD not in at_a
    at_c = sign_in("carl").get(reverse("patients")).text
    assert CHILD not in at_c
    assert OTHER_CHILD not in at_c


@pytest.mark.parametrize("spelling", ["B-16180", "b-16180", " B-161 80 "])
def test_a_patient_is_found_by_the_hospitals_number(cast: Cast, sign_in, spelling: str):
    page = sign_in("bea").get(reverse("patients"), {"q": spelling}).text
    assert CHILD in page
    assert OTHER_CHILD not in page


def test_a_patient_is_not_found_by_another_hospitals_number(cast: Cast, sign_in):
    page = sign_in("bea").get(reverse("patients"), {"q": "A-31415"}).text
    assert CHILD not in page


def test_a_patient_is_found_by_the_code_where_enrolled(cast: Cast, sign_in):
    code = cast.child.code
    assert CHILD in sign_in("bea").get(reverse("patients"), {"q": code}).text
    assert CHILD not in sign_in("carl").get(reverse("patients"), {"q": code}).text


def test_programs_get_what_their_person_may_open(cast: Cast, sign_in):
    address = reverse("api_documents", args=[cast.child.pk])
    of_b = sign_in("bea").get(address).json()
    assert {row["institution"] for row in of_b} == {"Birchwood Hospital"}
    assert sign_in("ada").get(address).json() == []
    everything = sign_in("grace").get(address).json()
    assert {row["kind"] for row in everything} == {"image", "grade_report", "verdict"}
    ids = [row["id"] for row in sign_in("oscar").get(reverse("api_patients")).json()]
    assert ids == [str(cast.other_child.pk)]


# A guardian who works at a hospital


def test_a_colleague_with_a_child_finds_the_way_to_the_family(cast: Cast, sign_in):
    way = f'href="{reverse("family")}"'
    assert way not in sign_in("bea").get(reverse("patients")).text
    Guardian.objects.create(patient=cast.other_child, user=cast.bea.user)
    assert way in sign_in("bea").get(reverse("patients")).text
    assert str(cast.other_child) in sign_in("bea").get(reverse("family")).text


# Proof


@pytest.mark.slow
def test_an_act_enters_the_chain_and_its_page_proves_it(committed_cast: Cast):
    cast = committed_cast
    client = Client()
    client.force_login(cast.grace.user)
    address = reverse("proof", args=[cast.image_a.statement_id.hex()])
    assert "it enters the chain within seconds" in history(client, cast)
    World(connection.settings_dict["NAME"]).sequence()
    assert "changing it would break the chain" in history(client, cast)
    page = client.get(address).text
    assert "Root hash" in page
    assert cast.image_a.statement_id.hex() in page
    assert client.get(reverse("checkpoint")).text.startswith(settings.LEDGER_ORIGIN)
    rows = client.get(reverse("ledger")).context["rows"]
    assert {row.about for row in rows} == {CHILD}


@pytest.mark.slow
def test_a_hospital_is_listed_its_own_entries_alone(committed_cast: Cast):
    cast = committed_cast
    World(connection.settings_dict["NAME"]).sequence()
    client = Client()
    client.force_login(cast.boris.user)
    rows = client.get(reverse("ledger")).context["rows"]
    seqs = [row.seq for row in rows]
    assert set(Entry.objects.filter(seq__in=seqs).values_list("tenant", flat=True)) == {
        cast.b.pk
    }


def test_an_act_that_the_ledger_does_not_know_is_said_to_be_broken(cast: Cast, sign_in):
    Act.objects.filter(document=cast.image_b, event=Event.DOCUMENT_ADDED).update(
        statement_id=b"\x07" * 16
    )
    assert "The ledger does not know this act" in history(sign_in("grace"), cast)


@pytest.mark.parametrize("column", ["actor", "institution", "event", "metadata"])
def test_a_row_that_tells_something_else_than_was_recorded_is_broken(
    cast: Cast, sign_in, column: str
):
    act = Act.objects.get(statement_id=cast.image_b.statement_id)
    forged = {
        "actor": cast.carl.user,
        "institution": cast.c,
        "event": Event.GRADE_ACCEPTED,
        "metadata": {"document": str(cast.image_a.pk)},
    }
    Act.objects.filter(pk=act.pk).update(**{column: forged[column]})
    page = sign_in("grace").get(reverse("proof", args=[act.statement_id.hex()])).text
    assert "is not what the ledger holds of this act" in page
    assert "checked just now" not in page


# What lies outside


def test_a_dump_reveals_no_patient(cast: Cast, sign_in):
    """Every table as a dump has it, with every block, holds none of what is sealed."""
    for name in ("grace", "bea", "boris"):
        history(sign_in(name), cast)
    said = dumped()
    for needle in secrets_of(cast):
        for spelling in spellings(needle):
            assert spelling not in said, needle


def test_the_scan_of_the_dump_finds_what_is_there(cast: Cast):
    said = dumped()
    assert any(s in said for s in spellings("Ashford Hospital"))
    assert cast.image_a.statement_id.hex().encode() in said


def secrets_of(cast: Cast) -> list[str | bytes]:
    image = picture(1)
    return [
        CHILD,
        "Abernathy",
        OTHER_CHILD,
        "Quillfeather",
        "2023-04-17",
        "17/04/2023",
        "A-31415",
        "B-16180",
        cast.child.code,
        FILE_NAME,
        REASON,
        "blunted",
        "SFU 3",
        *PEOPLE.values(),
        *(image[at : at + 24] for at in range(48, len(image) - 24, 512)),
    ]


def dumped() -> bytes:
    """All rows and blocks but those of the networks, whose card names every grade."""
    tables = snapshot()
    del tables["public.diagnosis_modelversion"]
    rows = "\n".join(row for table in tables.values() for row in table)
    folders = (Path(settings.BLOCKS) / "documents").iterdir()
    contents = (
        b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        for folder in folders
    )
    blocks = b"".join(each for each in contents if b"MODEL_CARD.md" not in each)
    return rows.encode() + blocks


def spellings(needle: str | bytes) -> list[bytes]:
    """As it is, as hexadecimal digits, as base64 at each of its three alignments."""
    raw = needle.encode() if isinstance(needle, str) else needle
    shifted = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        whole = len(raw) + shift - (len(raw) + shift) % 3
        shifted.append(encoded[(shift * 8 + 5) // 6 : whole * 4 // 3])
    return [raw, raw.hex().encode(), *shifted]


def test_no_service_copy_is_listed_anywhere(cast: Cast, sign_in):
    cast.consent()
    copies = Document.objects.filter(kind=Document.Kind.SERVICE_COPY)
    for name in ("grace", "bea", "alan", "ada"):
        page = history(sign_in(name), cast)
        assert all(str(copy.pk) not in page for copy in copies)


# Narrowed


def shown(client: Client, cast: Cast, **asked: Any) -> set[str]:
    """The ids of the acts on the page, by their proofs."""
    page = client.get(reverse("patient", args=[cast.child.pk]), asked)
    assert page.status_code == 200
    return {item.proof.url for item in page.context["items"]}


def test_a_history_is_narrowed_by_hospital_topic_and_day(cast: Cast, sign_in):
    grace = sign_in("grace")
    everything = shown(grace, cast)
    parts = [shown(grace, cast, topic=topic) for topic in Topic]
    assert set.union(*parts) == everything
    assert sum(map(len, parts)) == len(everything)
    at_a, at_b = (shown(grace, cast, hospital=h.pk) for h in (cast.a, cast.b))
    assert at_a | at_b == everything
    assert not at_a & at_b
    today = timezone.localdate()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    assert shown(grace, cast, first=yesterday, last=tomorrow) == everything
    assert shown(grace, cast, last=yesterday) == set()
    images = shown(grace, cast, hospital=cast.a.pk, topic="images")
    assert images == at_a & parts[0]
    assert len(images) == 1


def test_a_day_begins_and_ends_in_the_site_s_time_zone(cast: Cast, sign_in, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    act = Act.objects.filter(patient=cast.child).earliest("at")
    Act.objects.filter(pk=act.pk).update(at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    grace = sign_in("grace")
    assert len(shown(grace, cast, first="2026-03-02", last="2026-03-02")) == 1
    assert shown(grace, cast, first="2026-03-01", last="2026-03-01") == set()


def test_narrowing_shows_nobody_more(cast: Cast, sign_in):
    bea = sign_in("bea")
    everything = shown(bea, cast)
    for topic in ("", *Topic):
        assert shown(bea, cast, topic=topic) <= everything
    # Of A she knows nothing here, so that it is no choice and narrows nothing.
    assert shown(bea, cast, hospital=cast.a.pk) == everything


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"topic": "x"}, "Select a valid choice."),
        ({"hospital": "0"}, "Select a valid choice."),
        ({"hospital": "²"}, "Select a valid choice."),
        ({"first": "soon"}, "Enter a valid date."),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "lies before the first one"),
    ],
)
def test_what_makes_no_sense_narrows_nothing_and_is_said(
    cast: Cast, sign_in, asked: dict[str, str], sentence: str
):
    grace = sign_in("grace")
    assert shown(grace, cast, **asked) == shown(grace, cast)
    page = grace.get(reverse("patient", args=[cast.child.pk]), asked)
    assert sentence in page.text


def test_a_narrowed_history_turns_its_pages(cast: Cast, sign_in, monkeypatch):
    monkeypatch.setattr(patients, "PAGE", 2)
    address = reverse("patient", args=[cast.child.pk])
    page = sign_in("grace").get(address, {"topic": "grades"})
    assert "?topic=grades&amp;page=2" in page.text
