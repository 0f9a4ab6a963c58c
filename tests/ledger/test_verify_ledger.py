"""What the command tells people, programs and shells."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger.site import origin
from tests.ledger.process import start
from tests.ledger.world import World


def said(*options: str) -> str:
    out = StringIO()
    call_command("verify_ledger", *options, stdout=out)
    return out.getvalue()


def test_an_intact_log_ends_in_the_number_of_its_entries(world: World):
    world.sequence(3, 2)
    assert said() == (
        f"Signed checkpoints: 2; they cover the first 5 entries of {origin()}.\n"
        "5 entries are intact.\n"
    )
    assert json.loads(said("--json")) == {
        "origin": origin(),
        "intact": True,
        "entries": 5,
        "certified": 5,
        "checkpoints": 2,
        "first_bad": None,
        "reason": None,
    }


def test_a_damaged_log_ends_in_status_1_with_the_first_bad_number(world: World):
    world.sequence(3, 2)
    world.attack("DELETE FROM ledger.entry WHERE seq = 3")
    process = start(world.database, "web", "verify_ledger", "--json")
    out, _ = process.popen.communicate(timeout=60)
    assert process.popen.returncode == 1
    report = json.loads(out.splitlines()[0])
    assert (report["intact"], report["first_bad"], report["entries"]) == (False, 3, 3)
    assert "Entry 3 is missing." in out
    assert "Traceback" not in out


def test_a_damaged_log_is_told_in_words(world: World):
    world.sequence(3, 2)
    world.attack("DELETE FROM ledger.entry WHERE seq = 3")
    out = StringIO()
    with pytest.raises(CommandError, match="Entry 3 is missing") as refused:
        call_command("verify_ledger", stdout=out)
    assert refused.value.returncode == 1
    assert "The first bad sequence number is 3." in out.getvalue()
    assert out.getvalue().endswith("3 entries before it are intact.\n")


def test_a_log_that_cannot_be_read_is_not_called_damaged(world: World, monkeypatch):
    world.sequence(1)
    monkeypatch.setitem(connection.settings_dict, "NAME", "no_such_database")
    with pytest.raises(CommandError, match="could not be checked") as refused:
        said()
    assert refused.value.returncode == 2
