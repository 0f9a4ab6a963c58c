"""Tables are complete: nothing that happens, may happen or stands in the rail lacks its words."""

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from diagnosis.actions.verdicts import EVENTS as VERDICT_EVENTS
from diagnosis.actions.versions import EVENTS as VERSION_EVENTS
from diagnosis.models import STEPS, TRANSITIONS, Standing, State, Verdict
from diagnosis.models.grading_job import ACTIVE, UNFINISHED
from ledger.events import EVENTS, Event
from portal import roles
from portal.roles import ROLES, Permission, Role
from records.models import Document
from records.permissions import Relation


@pytest.mark.parametrize("event", Event)
def test_every_event_has_a_sentence_and_a_slug(event: Event):
    text = EVENTS[event]
    assert text.sentence.endswith(".")
    assert text.slug == event.name.lower().replace("_", "-")


def test_every_role_has_permissions_and_a_name():
    assert set(ROLES) == set(Role)
    assert all(ROLES[role] for role in Role)
    assert all(str(role.label)[0].isupper() for role in Role)


def test_every_permission_is_described_and_held_by_a_role():
    defined = {p for p in vars(roles).values() if isinstance(p, Permission)}
    assert defined == frozenset().union(*ROLES.values())
    assert all(" " in permission.sentence for permission in defined)
    assert len({permission.name for permission in defined}) == len(defined)


MATRIX = """
                    doctor hospital_admin platform_admin service_staff
add_document           yes             no             no            no
compare_models          no             no             no           yes
decide_erasures         no            yes             no            no
enrol                   no            yes             no            no
handle_data_sets       yes            yes             no            no
look_after_jobs         no             no            yes           yes
manage_devices          no            yes             no            no
manage_institutions     no             no            yes            no
manage_members          no            yes             no            no
manage_models           no             no            yes           yes
open_emergency         yes             no             no            no
read_content           yes             no             no            no
request_grade          yes             no             no            no
review_emergencies      no            yes             no            no
see_acts                no            yes             no            no
see_health              no            yes            yes            no
set_rules               no            yes             no            no
"""


def test_the_matrix_of_roles_is_this_one():
    roles_, *rows = (line.split() for line in MATRIX.strip().splitlines())
    assert roles_ == Role.values
    held = {
        (permission.name, role.value)
        for role, permissions in ROLES.items()
        for permission in permissions
    }
    written = {
        (name, role)
        for name, *cells in rows
        for role, cell in zip(roles_, cells, strict=True)
        if cell == "yes"
    }
    assert written == held


def test_nobody_reads_content_and_manages_people():
    for held in ROLES.values():
        assert not {roles.READ_CONTENT, roles.MANAGE_MEMBERS} <= held
        assert not {roles.READ_CONTENT, roles.MANAGE_INSTITUTIONS} <= held


def test_every_standing_of_a_version_has_its_steps_and_its_event():
    assert set(STEPS) == set(VERSION_EVENTS) == set(Standing)
    for standing, targets in STEPS.items():
        assert standing not in targets
        assert Standing.REGISTERED not in targets
        assert standing is Standing.RETIRED or Standing.RETIRED in targets


@pytest.mark.parametrize("state", State)
def test_every_state_has_transitions(state: State):
    assert TRANSITIONS[state] <= set(State)
    assert state not in TRANSITIONS[state]


def test_every_unfinished_state_leads_to_an_end_and_back_to_the_queue():
    for state in UNFINISHED:
        assert State.FAILED in TRANSITIONS[state]
    for state in ACTIVE:
        assert State.QUEUED in TRANSITIONS[state]
    assert TRANSITIONS[State.DONE] == TRANSITIONS[State.CANCELLED] == frozenset()


def test_every_decision_has_its_event():
    assert set(VERDICT_EVENTS) == set(Verdict.Decision)


def test_every_relation_and_kind_of_document_is_described():
    assert all(relation.value for relation in Relation)
    assert all(kind.label for kind in Document.Kind)


@pytest.mark.parametrize(("label", "name", "icon", "wanted"), settings.PLACES)
def test_every_place_of_the_rail_has_an_address_and_somebody(label, name, icon, wanted):
    assert reverse(name)
    assert label
    assert icon
    assert set() < wanted <= {*Role.values, "guardian"}


@pytest.mark.parametrize("function", [*settings.SCHEDULES, *settings.NIGHTLY])
def test_every_schedule_runs_something(function: str):
    assert callable(import_string(function))


@pytest.mark.parametrize("visitor", ["guardian", *Role.values])
def test_the_rail_has_room_for_everybody_s_places(visitor: str):
    """Five fit on a phone; a sixth would be left out."""
    assert (
        1 <= len([wanted for *_, wanted in settings.PLACES if visitor in wanted]) <= 5
    )
