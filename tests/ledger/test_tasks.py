"""The nightly look at the whole log: in slices, taken up again, kept for the admin."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from ledger import tasks
from ledger.health import checks
from ledger.models import Inspection
from tests.ledger.forging import change_tenant
from tests.ledger.world import World


def night(world: World) -> Inspection:
    """One night, with as many slices as it takes."""
    tasks.inspect_log()
    while (last := Inspection.objects.latest("started_at")).finished_at is None:
        assert OrmQ.objects.count()
        OrmQ.objects.all().delete()
        tasks.inspect_log(last.pk)
    return last


def said_on_health() -> str:
    (found,) = [c for c in checks() if c.name == "Nightly inspection"]
    return f"{found.state}: {found.sentence}"


def test_a_quiet_night(world: World):
    assert said_on_health().startswith("waiting: ")
    world.sequence(5, 3)
    done = night(world)
    assert (done.certified, done.trouble, done.first_bad) == (8, "", None)
    assert said_on_health().startswith("fine: 8 entries and 0 sealed contents")


def test_a_large_log_is_looked_at_in_slices(world: World, monkeypatch):
    monkeypatch.setattr(tasks, "SLICE", 1)
    world.sequence(300, 300, 300, 300)
    tasks.inspect_log()
    half = Inspection.objects.get()
    assert half.finished_at is None
    assert 0 < half.certified < 1_200
    assert OrmQ.objects.count() == 1
    assert night_continued(half).certified == 1_200
    assert Inspection.objects.count() == 1


def night_continued(inspection: Inspection) -> Inspection:
    while inspection.finished_at is None:
        tasks.inspect_log(inspection.pk)
        inspection.refresh_from_db()
    return inspection


def test_a_slice_delivered_twice_changes_nothing(world: World):
    world.sequence(5)
    done = night(world)
    tasks.inspect_log(done.pk)
    done.refresh_from_db()
    assert done.checkpoints == 1


def test_a_damaged_log_is_told_to_the_admin(world: World):
    world.sequence(5, 3)
    world.attack(change_tenant(2))
    done = night(world)
    assert done.first_bad == 2
    assert said_on_health().startswith("wrong: Entry 2 was changed")


def test_an_inspection_that_is_long_ago_asks_for_attention(world: World):
    world.sequence(1)
    done = night(world)
    long_ago = timezone.now() - timedelta(days=3)
    Inspection.objects.filter(pk=done.pk).update(started_at=long_ago)
    assert said_on_health().startswith("attention: ")


@pytest.mark.parametrize("function", ["compare_views", "anchor_logs"])
def test_a_site_that_knows_nobody_has_nothing_to_do(world: World, function: str):
    world.sequence(1)
    assert getattr(tasks, function)() == 0
