"""A document whose data key somebody may know is encrypted again, for the same readers."""

import signal
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from ledger.body_checks import sample_bodies
from ledger.errors import BodyDamaged
from ledger.events import EVENTS, Event
from ledger.history import statement
from portal import keys
from portal.database import admin_conninfo
from portal.errors import Refused
from portal.models import HolderKey
from portal.row_security import in_the_name_of
from records import bodies, scrubbing
from records.actions import resealing
from records.actions.consents import withdraw_consent
from records.actions.documents import open_document
from records.actions.resealing import remove_replaced_blocks, reseal_document
from records.bodies import check_body
from records.content import content_store
from records.encryption.wrapping import unwrap_key, wraps_hash
from records.errors import RecordDamaged
from records.exposure import exposed
from records.management.commands import reseal, rotate_keys
from records.models import Act, Document, KeyWrap
from records.opening import data_key_of, name_of, unseal
from records.proofs import check_against_ledger
from records.scrubbing import scrub
from records.storage.cids import parse_cid
from records.storage.errors import BlockMissing, StoreUnavailable
from tests.cast import FILE_NAME, Cast, add_image, picture
from tests.ledger.process import start
from tests.ledger.world import World

PICTURE = picture(21)
SEALED_AGAIN = EVENTS[Event.DOCUMENT_RESEALED].sentence


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch):
    for command in (reseal, rotate_keys):
        monkeypatch.setattr(command, "GRACE_S", 0)


@pytest.fixture
def own_blocks(tmp_path, monkeypatch: pytest.MonkeyPatch, cast: Cast):
    """The cast's blocks are every test's; those of before must outlive this one."""
    kept = content_store()

    class Keeping:
        """Removes nothing that was there before."""

        removed: list[str] = []

        def __getattr__(self, name: str):
            return getattr(kept, name)

        def remove(self, cid) -> None:
            self.removed.append(str(cid))

    store = Keeping()
    store.removed = []
    for module in (resealing, reseal):
        monkeypatch.setattr(module, "content_store", lambda: store)
    return store


@pytest.fixture
def image(cast: Cast) -> Document:
    """B's, whose blocks a test may remove."""
    return add_image(cast.child, cast.bea, PICTURE)


def run(*options: str) -> str:
    keys._opened.cache_clear()
    out = StringIO()
    call_command("reseal", *options, stdout=out)
    return out.getvalue()


def rotate(name: str) -> None:
    keys._opened.cache_clear()
    call_command("rotate_keys", "--institution", name, stdout=StringIO())
    keys._opened.cache_clear()


def stored(cid: str) -> bytes:
    return b"".join(content_store().read(parse_cid(cid)))


def holders(document: Document) -> set[UUID]:
    return set(document.wraps.values_list("holder_id", flat=True))


# One document


def test_everything_is_new_but_content_name_and_readers(cast: Cast, image: Document):
    cast.consent()
    before = Document.objects.get(pk=image.pk)
    data_key = data_key_of(image, cast.b.holder_id)
    readers, ciphertext = holders(image), stored(image.cid)
    reseal_document(document=image)
    after = Document.objects.get(pk=image.pk)
    assert after.cid != before.cid
    assert bytes(after.key_commitment) != bytes(before.key_commitment)
    assert data_key_of(after, cast.b.holder_id) != data_key
    assert after.created_at == before.created_at
    assert after.sealed_bytes == before.sealed_bytes == len(stored(after.cid))
    assert after.replaced_cid == before.cid
    assert stored(after.cid)[34:] != ciphertext[34:]
    assert holders(after) == readers
    for reader in (cast.bea, cast.grace):
        assert open_document(document=after, acting=reader) == PICTURE
    for holder in readers:
        assert unseal(after, holder) == PICTURE
        assert name_of(after, holder) == FILE_NAME


def test_the_old_wraps_open_nothing_new(cast: Cast, image: Document):
    """What somebody copied with the key that became known."""
    old = image.wraps.get(holder=cast.b.holder)
    reseal_document(document=image)
    key_id = bytes(old.key_id)
    stolen = unwrap_key(
        bytes(old.wrapped_key),
        private_key=keys.opening_key(key_id),
        record_id=image.pk.bytes,
        recipient_key_id=key_id,
    )
    assert stolen != data_key_of(image, cast.b.holder_id)
    image.wraps.filter(pk=old.pk).update(wrapped_key=old.wrapped_key)
    with pytest.raises(RecordDamaged, match="not the one entered in the ledger"):
        unseal(image, cast.b.holder_id)


def test_the_ledger_says_the_new_and_names_the_old(cast: Cast, image: Document):
    before = bytes(image.statement_id)
    reseal_document(document=image)
    said = statement(bytes(image.statement_id))
    assert said
    assert said.kind is Event.DOCUMENT_RESEALED
    assert said.tenant == cast.b.pk
    assert said.cid == bytes(parse_cid(image.cid))
    assert said.key_commit == bytes(image.key_commitment)
    pairs = ((bytes(w.key_id), bytes(w.wrapped_key)) for w in image.wraps.all())
    assert said.wraps_hash == wraps_hash(pairs)
    act = Act.objects.get(statement_id=image.statement_id)
    assert act.metadata["replaces"] == before.hex()
    check_against_ledger(image)
    Document.objects.filter(pk=image.pk).update(statement_id=before)
    with pytest.raises(RecordDamaged, match="another content"):
        check_against_ledger(Document.objects.get(pk=image.pk))


def test_the_old_blocks_stay_until_they_are_removed(cast: Cast, image: Document):
    old = image.cid
    reseal_document(document=image)
    assert stored(old)
    remove_replaced_blocks(document=image)
    with pytest.raises(BlockMissing):
        stored(old)
    assert unseal(image, cast.b.holder_id) == PICTURE
    assert not Document.objects.with_replaced_blocks().exists()
    remove_replaced_blocks(document=image)


def test_sealed_twice_no_block_is_forgotten(cast: Cast, image: Document):
    first = image.cid
    reseal_document(document=image)
    second = image.cid
    reseal_document(document=image)
    assert image.replaced_cid == second
    with pytest.raises(BlockMissing):
        stored(first)
    remove_replaced_blocks(document=image)
    with pytest.raises(BlockMissing):
        stored(second)


def test_whoever_read_the_row_before_still_reads(cast: Cast, image: Document):
    stale = Document.objects.get(pk=image.pk)
    reseal_document(document=image)
    remove_replaced_blocks(document=image)
    assert open_document(document=stale, acting=cast.bea) == PICTURE
    assert stale.cid == image.cid


def test_two_at_the_same_time_leave_one(cast: Cast, image: Document, monkeypatch):
    stale = Document.objects.get(pk=image.pk)
    reseal_document(document=image)
    # The other one had opened it before.
    monkeypatch.setattr(resealing, "unseal", lambda *_: PICTURE)
    with pytest.raises(Refused, match="Somebody else sealed"):
        reseal_document(document=stale)
    assert unseal(image, cast.b.holder_id) == PICTURE


def test_copies_for_the_service_are_left_alone(cast: Cast):
    job = cast.request()
    before = list(Document.objects.filter(pk=job.copy_id).values())
    with pytest.raises(Refused, match="not sealed anew"):
        reseal_document(document=job.copy)
    with pytest.raises(CommandError, match="no document of this id"):
        run("--document", str(job.copy_id))
    assert list(Document.objects.filter(pk=job.copy_id).values()) == before


def test_a_withdrawn_reader_stays_withdrawn(cast: Cast, image: Document):
    withdraw_consent(consent=cast.consent(), by=cast.grace)
    reseal_document(document=image)
    assert holders(image) == {cast.b.holder_id, cast.child.holder_id}


@pytest.mark.parametrize("at", ["put", "record", "wrap_for"])
def test_broken_off_anywhere_the_document_is_as_it_was(
    cast: Cast, image: Document, monkeypatch: pytest.MonkeyPatch, at: str
):
    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    class NoStore:
        put = broken

    patched: dict[str, tuple[str, Callable[..., object]]] = {
        "put": ("content_store", NoStore),
        "record": ("record", broken),
        "wrap_for": ("wrap_for", broken),
    }
    before = list(Document.objects.filter(pk=image.pk).values())
    wraps = list(KeyWrap.objects.order_by("pk").values())
    with monkeypatch.context() as patch:
        patch.setattr(resealing, *patched[at])
        with pytest.raises(KeyboardInterrupt):
            reseal_document(document=image)
    assert list(Document.objects.filter(pk=image.pk).values()) == before
    assert list(KeyWrap.objects.order_by("pk").values()) == wraps
    assert open_document(document=image, acting=cast.bea) == PICTURE
    reseal_document(document=image)
    assert open_document(document=image, acting=cast.bea) == PICTURE


# What people see


def test_readers_see_both_acts(cast: Cast, sign_in, own_blocks):
    """Bea reads at B what A made; her database, too, shows her that it was sealed anew."""
    cast.consent()
    reseal_document(document=cast.image_a)
    for name in ("grace", "bea", "alan"):
        client = sign_in(name)
        page = client.get(reverse("patient", args=[cast.child.pk])).text
        assert page.count(SEALED_AGAIN) == 1
        assert "An ultrasound image was added." in page
        assert (
            client.get(reverse("document", args=[cast.image_a.pk])).status_code == 200
        )
    with in_the_name_of(cast.bea.party):
        assert Act.objects.filter(event=Event.DOCUMENT_RESEALED).exists()
    with in_the_name_of(cast.carl.party):
        assert not Act.objects.filter(event=Event.DOCUMENT_RESEALED).exists()


def test_nobody_signed_in_did_it(cast: Cast, sign_in, image: Document):
    reseal_document(document=image)
    page = sign_in("boris").get(reverse("audit")).text
    assert SEALED_AGAIN in page
    assert "This portal" in page


def test_a_resealed_report_is_read_and_judged(cast: Cast, sign_in, own_blocks):
    job = cast.graded()
    assert job.report
    reseal_document(document=job.report)
    assert sign_in("bea").get(reverse("job", args=[job.pk])).status_code == 200


# The nightly looks


@pytest.mark.slow
def test_the_inspection_finds_the_old_content_not_kept_here(committed_cast: Cast):
    """Its blocks are gone, which is right, and no damage."""
    cast = committed_cast
    image = add_image(cast.child, cast.bea, PICTURE)
    old = bytes(parse_cid(image.cid))
    reseal_document(document=image)
    remove_replaced_blocks(document=image)
    World(connection.settings_dict["NAME"]).sequence()
    assert check_body(old) is False
    assert check_body(bytes(parse_cid(image.cid))) is True
    found = sample_bodies(1000)
    assert found.faults == ()
    assert found.checked > 0


def test_what_is_sealed_anew_while_it_is_hashed_is_no_damage(
    cast: Cast, image: Document, monkeypatch: pytest.MonkeyPatch
):
    old, there = image.cid, content_store()

    class Slow:
        def read(self, cid):
            self.meanwhile(cid)
            return there.read(cid)

        def mend(self, cid):
            self.meanwhile(cid)
            return there.mend(cid)

        def meanwhile(self, cid) -> None:
            if str(cid) == old:
                reseal_document(document=image)
                remove_replaced_blocks(document=image)

    for module in (bodies, scrubbing):
        with monkeypatch.context() as patch:
            patch.setattr(module, "content_store", Slow)
            old = image.cid
            if module is bodies:
                assert check_body(bytes(parse_cid(old))) is False
            else:
                scrub(1000)
    assert not Document.objects.exclude(damage="").exists()


def test_a_body_that_is_gone_is_damage_still(cast: Cast, image: Document):
    content_store().remove(parse_cid(image.cid))
    with pytest.raises(BodyDamaged):
        check_body(bytes(parse_cid(image.cid)))


# The command


@pytest.fixture
def compromised(cast: Cast, own_blocks) -> Cast:
    """B's sealing key has become known; B has new ones."""
    cast.consent()
    rotate(cast.b.name)
    return cast


def test_every_document_that_the_old_key_may_have_opened(compromised: Cast):
    cast = compromised
    kept = set(cast.child.documents.kept())
    assert set(exposed(cast.b)) == kept
    cids = {document.cid for document in kept}
    new = add_image(cast.child, cast.bea, picture(22))
    said = run("--institution", cast.b.name)
    assert f"{len(kept)} documents are sealed anew." in said
    after = set(cast.child.documents.kept())
    assert new.cid in {document.cid for document in after}  # no old key opened it
    assert not cids & {document.cid for document in after}
    assert not exposed(cast.b).exists()
    assert "0 documents are sealed anew." in run("--institution", cast.b.name)
    for document in after:
        for holder in holders(document):
            assert unseal(document, holder)


def test_what_it_was_allowed_to_read_before_is_among_them(cast: Cast):
    """Somebody may have kept the wraps that were deleted."""
    withdraw_consent(consent=cast.consent(), by=cast.grace)
    assert not cast.image_a.wraps.filter(holder=cast.b.holder).exists()
    rotate(cast.b.name)
    assert cast.image_a in exposed(cast.b)
    assert cast.image_a not in exposed(cast.a)
    assert not exposed(cast.c).exists()


def test_a_patients_documents(cast: Cast, own_blocks):
    call_command("rotate_keys", "--patient", cast.child.code, stdout=StringIO())
    kept = cast.child.documents.kept().count()
    assert f"{kept} documents" in run("--patient", cast.child.code)
    assert "0 documents" in run("--patient", cast.child.code)


def test_one_document(cast: Cast, image: Document):
    old = image.cid
    said = run("--document", str(image.pk))
    assert "1 documents are sealed anew." in said
    assert "removed from the storage" in said
    with pytest.raises(BlockMissing):
        stored(old)
    image.refresh_from_db()
    assert (image.replaced_cid, unseal(image, cast.b.holder_id)) == ("", PICTURE)


def test_without_new_keys_it_would_be_for_nothing(cast: Cast):
    with pytest.raises(CommandError, match="Run rotate_keys first"):
        run("--institution", cast.b.name)
    with pytest.raises(CommandError, match="Run rotate_keys first"):
        run("--patient", cast.child.code)
    with pytest.raises(CommandError, match="no document of this id"):
        run("--document", str(uuid4()))


def test_it_goes_on_where_it_broke_off(
    compromised: Cast, monkeypatch: pytest.MonkeyPatch
):
    cast, total = compromised, exposed(compromised.b).count()
    seen: list[Document] = []

    def broken(*, document: Document) -> None:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(document)
        reseal_document(document=document)

    with monkeypatch.context() as patch:
        patch.setattr(reseal, "reseal_document", broken)
        with pytest.raises(KeyboardInterrupt):
            run("--institution", cast.b.name)
    assert exposed(cast.b).count() == total - 2
    for document in cast.child.documents.kept():
        assert unseal(document, cast.child.holder_id)
    assert f"{total - 2} documents" in run("--institution", cast.b.name)
    assert not Document.objects.with_replaced_blocks().exists()


@pytest.mark.slow
def test_it_goes_on_after_it_was_killed(committed_cast: Cast):
    """Killed between the store and the database; then the rest, old blocks included."""
    cast, name = committed_cast, connection.settings_dict["NAME"]
    image = add_image(cast.child, cast.bea, PICTURE)
    with psycopg.connect(admin_conninfo(), dbname=name) as other:
        other.execute("LOCK TABLE records_act IN EXCLUSIVE MODE")
        process = start(name, "web", "reseal", "--document", str(image.pk))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with psycopg.connect(admin_conninfo(), autocommit=True) as looking:
            while not looking.execute(waits).fetchone()[0]:  # type: ignore[index]
                assert process.popen.poll() is None
        assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        process.popen.communicate()
    again = Document.objects.get(pk=image.pk)
    assert again.cid == image.cid
    assert unseal(again, cast.b.holder_id) == PICTURE
    run("--document", str(image.pk))
    again.refresh_from_db()
    assert again.cid != image.cid
    assert unseal(again, cast.b.holder_id) == PICTURE
    with pytest.raises(BlockMissing):
        stored(image.cid)


def test_one_that_does_not_open_keeps_no_other_from_it(compromised: Cast):
    cast = compromised
    total = exposed(cast.b).count()
    cast.image_b.wraps.filter(holder=cast.child.holder).delete()
    out = StringIO()
    with pytest.raises(CommandError, match="1 documents are left"):
        call_command("reseal", "--institution", cast.b.name, stdout=out)
    assert f"{cast.image_b.pk}: The key of this document is not there" in out.getvalue()
    assert f"{total - 1} documents are sealed anew." in out.getvalue()
    assert set(exposed(cast.b)) == {cast.image_b}


def test_a_store_that_does_not_answer_ends_it(
    compromised: Cast, monkeypatch: pytest.MonkeyPatch
):
    def silent() -> None:
        raise StoreUnavailable("The node does not answer.")

    total = exposed(compromised.b).count()
    monkeypatch.setattr(resealing, "content_store", silent)
    with pytest.raises(CommandError, match=r"does not answer\. Run this again"):
        run("--institution", compromised.b.name)
    assert exposed(compromised.b).count() == total


def test_a_key_that_was_changed_long_ago_exposes_nothing_since(cast: Cast):
    rotate(cast.b.name)
    long_ago = timezone.now() - timedelta(days=400)
    HolderKey.objects.filter(holder=cast.b.holder).update(created_at=long_ago)
    assert not exposed(cast.b).exists()
