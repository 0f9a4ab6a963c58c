"""A new master key takes over while people work; nothing is lost on the way."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import BinaryField, Model

from portal import keys, master_rotation
from portal.database import admin_conninfo
from portal.environment import BASE, EnvironmentProblem
from portal.errors import KeyUnavailable, Refused
from portal.keys import private_half
from portal.master_keys import derived_key, key_name, master_keys
from portal.master_rotation import count_waiting, reseal, sealed_models, waiting
from portal.models import PrivateKey, User
from portal.sealed_fields import (
    UNNAMED,
    SealedTextField,
    blind_index,
    blind_indexes,
    seal,
    unseal,
)
from records.actions.erasure import refuse_erasure
from records.actions.patients import end_enrolment, enrol_patient
from records.models import Enrolment, Patient
from tests.cast import CHILD, HOSPITALS, PEOPLE, Cast, email
from tests.ledger.process import start

NEW = "cd" * 32
Give = Callable[..., None]


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Iterator[Give]:
    """Start again with other keys, as far as a test can; without any: as before."""
    first = os.environ["MASTER_KEY"]

    def forget() -> None:
        master_keys.cache_clear()
        keys._opened.cache_clear()

    def give(key: str = "", old: str = "") -> None:
        monkeypatch.setenv("MASTER_KEY", key or first)
        monkeypatch.setenv("MASTER_KEY_OLD", first if old == "first" else old)
        forget()

    yield give
    monkeypatch.undo()
    forget()


@pytest.fixture(autouse=True)
def something_everywhere(request: pytest.FixtureRequest) -> None:
    """A row of every kind that is sealed."""
    for name in {"cast", "committed_cast"} & {*request.fixturenames}:
        cast: Cast = request.getfixturevalue(name)
        cast.emergency()
        cast.sent_by_device()
        refuse_erasure(erasure=cast.asked_to_erase(), reason="A court.", by=cast.ada)


def rotate() -> str:
    out = StringIO()
    call_command("rotate_master_key", stdout=out)
    return out.getvalue()


def everything_opens() -> None:
    """Each sealed value of each row."""
    for model in sealed_models():
        assert list(model._base_manager.all())
    for row in PrivateKey.objects.all():
        private_half(bytes(row.key_id))


def nothing_opens() -> None:
    for model in {*sealed_models()} - {PrivateKey}:
        for pk in model._base_manager.values_list("pk", flat=True):
            with pytest.raises(KeyUnavailable, match="does not open"):
                model._base_manager.get(pk=pk)
    for row in PrivateKey.objects.all():
        with pytest.raises(KeyUnavailable, match="does not open"):
            private_half(bytes(row.key_id))


def found(sign_in, text: str) -> bool:
    """Whether B's admin finds Kim by a number or a code."""
    return CHILD in sign_in("boris").get("/patients/", {"q": text}).text


# What there is to be sealed anew


def test_every_sealed_field_is_known():
    fields = {
        field.model
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SealedTextField)
    }
    assert fields | {PrivateKey} == set(sealed_models())
    assert {User, Patient, Enrolment} <= fields


def test_nothing_else_is_sealed_under_the_master_key():
    """What another module sealed by itself, no rotation would find."""
    word = re.compile(r"\b(derived_key|master_keys?|(?<!\.)seal)\b")
    importing = {
        str(path.relative_to(BASE))
        for app in ("portal", "records", "diagnosis", "ledger")
        for path in (BASE / app).rglob("*.py")
        for line in re.findall(
            r"from portal\.(?:sealed_fields|master_keys|environment) import"
            r" (\([^)]*\)|.*)",
            path.read_text(),
        )
        if word.search(line)
    }
    assert importing == {
        "portal/keys.py",
        "portal/master_keys.py",
        "portal/sealed_fields.py",
        "portal/management/commands/keys.py",
        "portal/management/commands/rotate_master_key.py",
        "portal/management/commands/start.py",
    }


def test_every_blind_index_is_made_anew_with_its_field(cast: Cast):
    for model in apps.get_models():
        indexes = {f.name for f in model._meta.get_fields() if is_index(f)}
        named = {
            f.index.column: (f.attname, f.index.purpose)
            for f in model._meta.get_fields()
            if isinstance(f, SealedTextField) and f.index
        }
        assert set(named) == indexes
        for row in model._base_manager.all() if named else ():
            for column, (field, purpose) in named.items():
                expected = blind_index(getattr(row, field), purpose=purpose)
                assert bytes(getattr(row, column)) == expected


def is_index(field: object) -> bool:
    return isinstance(field, BinaryField) and field.name.endswith("_index")


# Sealed values name their key


def test_a_value_names_its_key_and_says_nothing_of_it(give: Give):
    before = seal(b"Kim", purpose="test")
    give(NEW)
    after = seal(b"Kim", purpose="test")
    assert before[1:9] != after[1:9] == key_name(bytes.fromhex(NEW))
    assert key_name(bytes.fromhex(NEW)) not in bytes.fromhex(NEW)
    with pytest.raises(KeyUnavailable, match="not the one it was sealed with"):
        unseal(before, purpose="test")


def test_both_keys_open_and_the_new_one_seals(give: Give):
    before = seal(b"Kim", purpose="test")
    give(NEW, old="first")
    assert unseal(before, purpose="test") == b"Kim"
    after = seal(b"Kim", purpose="test")
    give(NEW)
    assert unseal(after, purpose="test") == b"Kim"


@pytest.mark.parametrize("keys", [{}, {"key": NEW, "old": "first"}])
def test_a_value_of_the_first_version_still_opens(give: Give, keys: dict[str, str]):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(derived_key(master_keys()[0], "seal"))
    old = UNNAMED + bytes(12) + cipher.encrypt(bytes(12), b"Kim", b"test")
    give(**keys)
    assert unseal(old, purpose="test") == b"Kim"
    give(NEW)
    with pytest.raises(KeyUnavailable, match="does not open"):
        unseal(old, purpose="test")


def test_a_value_is_looked_up_under_both_keys(give: Give):
    before = blind_index("B-1", purpose="number")
    assert blind_indexes("B-1", purpose="number") == [before]
    give(NEW, old="first")
    after, old = blind_indexes("B-1", purpose="number")
    assert (after, old) == (blind_index("B-1", purpose="number"), before)
    assert after != before


def test_the_old_key_may_come_from_a_file(
    give: Give, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    path = tmp_path / "old"
    path.write_text("ef" * 32)
    path.chmod(0o600)
    give()
    monkeypatch.setenv("MASTER_KEY_OLD_FILE", str(path))
    assert master_keys()[1] == bytes.fromhex("ef" * 32)
    path.chmod(0o644)
    master_keys.cache_clear()
    with pytest.raises(EnvironmentProblem, match="Others on this machine can read"):
        master_keys()


def test_a_key_does_not_replace_itself(give: Give):
    give(NEW, old=NEW)
    with pytest.raises(EnvironmentProblem, match="names the one before"):
        master_keys()


# The whole way


def test_people_work_before_in_the_middle_and_after(
    cast: Cast, sign_in, give: Give, monkeypatch: pytest.MonkeyPatch
):
    code = cast.child.code
    monkeypatch.setattr(master_rotation, "BATCH", 2)

    def searches_work() -> None:
        assert found(sign_in, "b-16180")
        assert found(sign_in, code)
        assert not found(sign_in, "B-16181")

    searches_work()
    give(NEW, old="first")
    everything_opens()
    searches_work()
    total, seen = count_waiting(), []

    def look(done: int, of: int) -> None:
        seen.append((done, of))
        searches_work()

    assert reseal(look) == 0
    assert seen[-1] == (total, total)
    assert total == sum(model._base_manager.count() for model in sealed_models())
    give(NEW)
    everything_opens()
    searches_work()
    give()
    nothing_opens()


def test_it_goes_on_after_it_broke_off(
    cast: Cast, give: Give, monkeypatch: pytest.MonkeyPatch
):
    give(NEW, old="first")
    monkeypatch.setattr(master_rotation, "BATCH", 3)
    total, anew = count_waiting(), master_rotation._anew
    sealed: list[Model] = []

    def broken(row: Model) -> dict[str, object]:
        if len(sealed) == total // 2:
            raise KeyboardInterrupt
        sealed.append(row)
        return anew(row)

    with monkeypatch.context() as patch:
        patch.setattr(master_rotation, "_anew", broken)
        with pytest.raises(KeyboardInterrupt):
            reseal()
    left = count_waiting()
    # What its last transaction had done is undone with it.
    assert total - len(sealed) <= left <= total - len(sealed) + 3
    everything_opens()
    assert "MASTER_KEY_OLD may be taken away" in rotate()
    assert count_waiting() == 0


@pytest.mark.slow
def test_it_goes_on_after_it_was_killed(
    committed_cast: Cast, give: Give, monkeypatch: pytest.MonkeyPatch
):
    """A process of its own, killed while it waits for a table that another one holds."""
    name = connection.settings_dict["NAME"]
    give(NEW, old="first")
    first, *_, last = sealed_models()
    with psycopg.connect(admin_conninfo(), dbname=name) as other:
        other.execute(f"LOCK TABLE {last._meta.db_table} IN EXCLUSIVE MODE")
        process = start(name, "web", "rotate_master_key")
        until = time.monotonic() + 60
        while waiting(first).exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        process.popen.communicate()
    left = count_waiting()
    assert last._base_manager.count() <= left
    assert not waiting(first).exists()
    everything_opens()
    give(NEW)
    with pytest.raises(KeyUnavailable):
        everything_opens()
    give(NEW, old="first")
    rotate()
    give(NEW)
    everything_opens()
    give()
    nothing_opens()


@pytest.mark.slow
def test_what_somebody_holds_is_left_and_a_change_is_not_lost(
    committed_cast: Cast, give: Give
):
    cast, name = committed_cast, connection.settings_dict["NAME"]
    give(NEW, old="first")
    held = cast.alan.user
    with psycopg.connect(admin_conninfo(), dbname=name) as other:
        other.execute("SELECT 1 FROM portal_user WHERE id = %s FOR UPDATE", [held.pk])
        with pytest.raises(CommandError, match=r"1 rows were in use"):
            rotate()
        changed = seal(b"Alan Married", purpose="portal.User.full_name")
        other.execute(
            "UPDATE portal_user SET full_name = %s WHERE id = %s", [changed, held.pk]
        )
    rotate()
    give(NEW)
    assert User.objects.get(pk=held.pk).full_name == "Alan Married"
    everything_opens()


def test_a_number_names_one_patient_under_both_keys(cast: Cast, give: Give):
    """The database alone would not see that the number is taken under the other key."""
    there = cast.other_child.enrolments.get(institution=cast.b)
    end_enrolment(enrolment=there, by=cast.boris)
    give(NEW, old="first")
    with pytest.raises(Refused, match="already names another patient"):
        enrol_patient(
            code=cast.other_child.code, hospital_number="b16180", by=cast.boris
        )
    enrol_patient(code=cast.other_child.code, hospital_number="B-2", by=cast.boris)
    with pytest.raises(Refused, match="already enrolled"):
        enrol_patient(code=cast.child.code, hospital_number="B-16180", by=cast.boris)


# What is said


def test_nothing_to_do_is_said(cast: Cast):
    assert "\nEverything lies under the master key." in rotate()


def test_the_keys_command_says_how_much_is_left(cast: Cast, give: Give):
    def said() -> str:
        out = StringIO()
        call_command("keys", stdout=out)
        return out.getvalue()

    assert "Everything sealed lies under it." in said()
    give(NEW, old="first")
    assert f"{count_waiting()} rows do not lie under it yet" in said()
    rotate()
    assert "Everything sealed lies under it." in said()


def test_without_the_key_before_it_stops_with_a_sentence(cast: Cast, give: Give):
    give(NEW)
    with pytest.raises(CommandError, match="Give that key as MASTER_KEY_OLD"):
        rotate()
    give()
    everything_opens()


def test_setup_says_when_the_old_key_was_taken_away_too_early(cast: Cast, give: Give):
    give(NEW, old="first")
    assert reseal() == 0
    call_command("setup", verbosity=0)
    # All but one name, which a process with the old key alone wrote meanwhile.
    give()
    User.objects.filter(email=email("alan")).update(full_name=PEOPLE["alan"])
    give(NEW)
    with pytest.raises(CommandError, match="not the one this database was set up with"):
        call_command("setup", verbosity=0)
    give(NEW, old="first")
    call_command("setup", verbosity=0)


def test_no_key_is_ever_printed(cast: Cast, give: Give):
    give(NEW, old="first")
    old = os.environ["MASTER_KEY_OLD"]
    out = StringIO()
    call_command("keys", stdout=out)
    call_command("keys", "--json", stdout=out)
    said = out.getvalue() + rotate()
    assert HOSPITALS["a"] in said
    assert NEW not in said
    assert old not in said
