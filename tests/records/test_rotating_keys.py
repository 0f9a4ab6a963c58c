"""A holder gets new keys; documents stay as they are, and open as before."""

import signal
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from ledger.events import EVENTS, Event
from ledger.history import statement
from ledger.models import Entry, Inbox
from ledger.signing import is_signed_by
from portal import keys
from portal.database import admin_conninfo
from portal.errors import KeyUnavailable
from portal.keys import (
    SealingKey,
    author_keys,
    create_holder,
    private_half,
    renew,
    sealing_key,
    signer,
)
from portal.models import HolderKey, KeyHolder, PrivateKey
from records import rewrapping
from records.actions.consents import withdraw_consent
from records.actions.documents import open_document
from records.actions.keys import renew_patient_keys
from records.history import timeline, visible_acts
from records.ledger_rows import page_for
from records.management.commands import rotate_keys
from records.models import Act, Document, KeyWrap
from records.opening import name_of, unseal
from records.rewrapping import rewrap, waiting
from tests.cast import CHILD, FILE_NAME, IMAGE_A, IMAGE_B, Cast, add_image, picture
from tests.ledger.process import start
from tests.ledger.world import World


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rotate_keys, "GRACE_S", 0)


def rotate(*options: str) -> str:
    # As in a process that has just started.
    keys._opened.cache_clear()
    out = StringIO()
    call_command("rotate_keys", *options, stdout=out)
    keys._opened.cache_clear()
    return out.getvalue()


def rotate_a(*options: str) -> str:
    return rotate("--institution", "Ashford Hospital", *options)


def live(holder: KeyHolder) -> dict[str, bytes]:
    rows = holder.keys.filter(retired_at=None)
    return {row.purpose: bytes(row.key_id) for row in rows}


def halves(holder: KeyHolder) -> set[bytes]:
    rows = PrivateKey.objects.filter(key__holder=holder)
    return {bytes(row.key_id) for row in rows}


def state_of_documents() -> list[tuple[object, ...]]:
    return list(Document.objects.order_by("pk").values_list())


def everybody_reads(cast: Cast) -> None:
    for reader in (cast.alan, cast.grace):
        assert open_document(document=cast.image_a, acting=reader) == IMAGE_A
    for reader in (cast.bea, cast.grace):
        assert open_document(document=cast.image_b, acting=reader) == IMAGE_B
    for hospital, image in ((cast.a, cast.image_a), (cast.b, cast.image_b)):
        assert name_of(image, hospital.holder_id) == FILE_NAME
        assert name_of(image, cast.child.holder_id) == FILE_NAME


# New keys


@pytest.mark.parametrize("whose", ["institution", "patient"])
def test_the_new_keys_open_everything_and_the_old_ones_are_gone(cast: Cast, whose):
    holders = {"institution": cast.a.holder, "patient": cast.child.holder}
    holder = holders[whose]
    called = {"institution": cast.a.name, "patient": cast.child.code}[whose]
    before, documents = live(holder), state_of_documents()
    count = holder.wraps.count()
    said = rotate(f"--{whose}", called)
    after = live(holder)
    assert count > 0
    assert f": {count} wraps are made anew." in said
    assert not set(before.values()) & set(after.values())
    assert {bytes(w.key_id) for w in holder.wraps.all()} == {after["sealing"]}
    assert halves(holder) == set(after.values())
    assert state_of_documents() == documents
    everybody_reads(cast)
    for key_id in before.values():
        with pytest.raises(KeyUnavailable, match="is gone"):
            private_half(key_id)


def test_nobody_elses_keys_and_wraps_are_touched(cast: Cast):
    def others() -> list[object]:
        foreign = KeyWrap.objects.exclude(holder=cast.a.holder).order_by("pk")
        keys = HolderKey.objects.exclude(holder=cast.a.holder).order_by("pk")
        return [*foreign.values_list(), *keys.values_list()]

    before = others()
    rotate_a()
    assert others() == before


def test_work_goes_on_with_the_new_keys(cast: Cast):
    rotate("--institution", cast.b.name)
    cast.consent()
    assert unseal(cast.image_a, cast.b.holder_id) == IMAGE_A
    new = add_image(cast.child, cast.bea, picture(7))
    assert open_document(document=new, acting=cast.bea) == picture(7)
    assert cast.graded(new).report


# What the ledger says


def last_said(holder: KeyHolder, before: dict[str, bytes]) -> None:
    queued = Inbox.objects.latest("id")
    said = statement(bytes(queued.statement_id))
    assert said
    after = live(holder)
    assert said.kind is Event.KEY_CREATED
    assert said.author_key_id == before["signing"]
    renewal = keys.Renewal(after["signing"], after["sealing"], signer(holder.pk))
    assert said.key_commit == renewal.commitment
    assert said.cid == b""


def test_the_old_key_vouches_for_the_new_ones(cast: Cast):
    before = live(cast.a.holder)
    rotate_a()
    last_said(cast.a.holder, before)
    before = live(cast.child.holder)
    rotate("--patient", cast.child.code)
    last_said(cast.child.holder, before)


def test_a_key_that_does_not_open_vouches_for_nothing(cast: Cast):
    before = live(cast.c.holder)
    PrivateKey.objects.filter(pk=before["signing"]).delete()
    rotate("--institution", cast.c.name)
    last_said(cast.c.holder, live(cast.c.holder))


def test_what_the_old_key_signed_stays_signed(cast: Cast):
    old = signer(cast.a.holder_id)
    signature = old.sign(b"x")
    rotate_a()
    public = author_keys([old.key_id])[old.key_id]
    assert is_signed_by(public, message=b"x", signature=signature)


def test_the_family_sees_it_and_that_nobody_signed_in_did_it(cast: Cast):
    renew_patient_keys(patient=cast.child)
    act = Act.objects.get(event=Event.KEY_CREATED)
    assert (act.patient, act.institution, act.actor) == (cast.child, cast.b, None)
    (item,) = timeline(cast.grace, cast.child, [act])
    assert item.title == EVENTS[Event.KEY_CREATED].sentence
    assert item.who == "This portal"
    for name in ("bea", "alan"):
        acting = cast.acting(name)
        assert act not in visible_acts(acting, cast.child)


def test_the_platform_sees_new_keys_of_institutions_alone(committed_cast: Cast):
    cast = committed_cast
    renew_patient_keys(patient=cast.child)
    rotate_a()
    World(connection.settings_dict["NAME"]).sequence()
    assert Entry.objects.filter(kind=Event.KEY_CREATED).count() == 2
    _page, rows = page_for(cast.petra, None)
    said = [row.who for row in rows if row.what == EVENTS[Event.KEY_CREATED].sentence]
    assert said == [cast.a.name]


# Broken off, held, damaged


def test_it_goes_on_where_it_broke_off(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rewrapping, "BATCH", 1)
    count, anew = cast.a.holder.wraps.count(), rewrapping._for_key
    seen: list[KeyWrap] = []

    def broken(wrap: KeyWrap, key: SealingKey) -> KeyWrap:
        if seen:
            raise KeyboardInterrupt
        seen.append(wrap)
        return anew(wrap, key)

    with monkeypatch.context() as patch:
        patch.setattr(rewrapping, "_for_key", broken)
        with pytest.raises(KeyboardInterrupt):
            rotate_a()
    assert waiting(cast.a.holder_id).count() == count - 1 > 0
    keys._opened.cache_clear()
    everybody_reads(cast)
    new = live(cast.a.holder)
    said = rotate_a()
    assert "going on with the keys of" in said
    assert f"{count - 1} wraps are made anew." in said
    assert live(cast.a.holder) == new
    assert halves(cast.a.holder) == set(new.values())
    everybody_reads(cast)


@pytest.mark.slow
def test_it_goes_on_after_it_was_killed(committed_cast: Cast):
    cast, name = committed_cast, connection.settings_dict["NAME"]
    before = live(cast.a.holder)
    with psycopg.connect(admin_conninfo(), dbname=name) as other:
        other.execute("LOCK TABLE records_keywrap IN EXCLUSIVE MODE")
        process = start(name, "web", "rotate_keys", "--institution", "Ashford Hospital")
        process.says("new keys")
        assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        process.popen.communicate()
    new = live(cast.a.holder)
    assert not set(new.values()) & set(before.values())
    everybody_reads(cast)
    assert "going on" in rotate_a()
    assert live(cast.a.holder) == new
    everybody_reads(cast)


def test_the_old_key_can_be_kept_and_destroyed_later(cast: Cast):
    before = live(cast.a.holder)
    rotate_a("--keep-old")
    after = live(cast.a.holder)
    assert halves(cast.a.holder) == {before["sealing"], *after.values()}
    assert "the old sealing key is destroyed" in rotate_a()
    assert halves(cast.a.holder) == set(after.values())
    assert live(cast.a.holder) == after
    assert "new keys" in rotate_a()
    assert live(cast.a.holder) != after


def test_keeping_the_old_key_twice_makes_new_keys_twice(cast: Cast):
    rotate_a("--keep-old")
    first = live(cast.a.holder)
    assert "new keys" in rotate_a("--keep-old")
    assert live(cast.a.holder) != first
    assert len(halves(cast.a.holder)) == 4


def test_a_wrap_that_does_not_open_keeps_the_old_key(cast: Cast):
    broken = cast.image_a.wraps.get(holder=cast.a.holder)
    KeyWrap.objects.filter(pk=broken.pk).update(wrapped_key=bytes(384))
    before = live(cast.a.holder)
    with pytest.raises(CommandError, match="1 wraps are left"):
        rotate_a()
    assert before["sealing"] in halves(cast.a.holder)
    assert before["signing"] not in halves(cast.a.holder)
    assert cast.job.report
    assert unseal(cast.job.report, cast.a.holder_id)
    once = live(cast.a.holder)
    with pytest.raises(CommandError, match="1 wraps are left"):
        rotate_a()
    assert live(cast.a.holder) == once
    with pytest.raises(CommandError, match="1 wraps are left"):
        rotate_a("--anew")
    assert live(cast.a.holder) != once


@pytest.mark.slow
def test_a_wrap_that_somebody_takes_away_meanwhile_does_not_come_back(
    committed_cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    """The withdrawal waits for the batch, then finds the row under its new key."""
    cast, name = committed_cast, connection.settings_dict["NAME"]
    consent = cast.consent()
    with psycopg.connect(admin_conninfo(), dbname=name) as other:
        other.execute(
            "SELECT 1 FROM records_keywrap WHERE holder_id = %s FOR UPDATE",
            [cast.b.holder_id],
        )
        with pytest.raises(CommandError, match="wraps are left"):
            rotate("--institution", cast.b.name)
    withdraw_consent(consent=consent, by=cast.grace)
    rotate("--institution", cast.b.name)
    foreign = cast.b.holder.wraps.exclude(document__institution=cast.b)
    assert not foreign.exists()
    assert unseal(cast.image_b, cast.b.holder_id) == IMAGE_B


@pytest.mark.slow
def test_new_keys_wait_for_whoever_wraps_for_the_old_ones(committed_cast: Cast):
    """Else a wrap could be made for a key that is then destroyed."""
    cast, name = committed_cast, connection.settings_dict["NAME"]
    number = int.from_bytes(cast.a.holder_id.bytes[:8], "big", signed=True)
    with psycopg.connect(admin_conninfo(), dbname=name) as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(%s)", [number])
        sealing_key(cast.a.holder_id)  # others are not kept waiting
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            rotate_a()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert "new keys" in rotate_a()


def test_whoever_asks_for_a_sealing_key_holds_it_until_the_end(cast: Cast):
    def held() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND pid = pg_backend_pid() AND mode = 'ShareLock'"
            )
            (count,) = cursor.fetchone()
        return int(count)

    holder, before = create_holder(), held()
    sealing_key(holder.pk)
    assert held() == before + 1


# Whose


def test_all_institutions_get_new_keys_but_those_who_just_did(cast: Cast):
    long_ago = timezone.now() - timedelta(days=400)
    HolderKey.objects.exclude(holder=cast.c.holder).update(created_at=long_ago)
    before = {i: live(i.holder) for i in (cast.a, cast.b, cast.c, cast.service)}
    patients = live(cast.child.holder)
    said = rotate("--all-institutions")
    assert "Cedar Clinic: the keys are less than a day old." in said
    for institution, old in before.items():
        assert (live(institution.holder) == old) == (institution == cast.c)
    assert live(cast.child.holder) == patients
    everybody_reads(cast)
    again = rotate("--all-institutions")
    assert "new keys" not in again


def test_all_institutions_finish_what_was_begun(cast: Cast):
    renew(cast.a.holder_id)
    said = rotate("--all-institutions")
    assert "Ashford Hospital: going on with the keys of" in said
    assert not waiting(cast.a.holder_id).exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--institution", "Nowhere"], "no institution called Nowhere"),
        (["--patient", "AAAA-BBBB-CCCC"], "No patient has this code"),
        ([], "one of the arguments"),
        (["--institution", "x", "--patient", "y"], "not allowed with"),
    ],
)
def test_who_is_not_there_is_said(cast: Cast, options: list[str], said: str):
    with pytest.raises(CommandError, match=said):
        rotate(*options)


def test_a_patient_is_not_named(cast: Cast):
    said = rotate("--patient", cast.child.code.lower())
    assert "The patient: new keys." in said
    assert CHILD not in said


def test_the_keys_command_tells_which_halves_are_destroyed(cast: Cast):
    rotate_a()
    out = StringIO()
    call_command("keys", stdout=out)
    assert out.getvalue().count("private half destroyed") == 2
    assert "DOES NOT OPEN" not in out.getvalue()


def test_progress_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    count = cast.child.holder.wraps.count()
    renew(cast.child.holder_id)
    told: list[tuple[int, int]] = []
    done = rewrap(cast.child.holder_id, progress=lambda *how: told.append(how))
    assert (done.done, done.closed, done.left) == (count, (), 0)
    assert told[0] == (2, count)
    assert told[-1] == (count, count)
