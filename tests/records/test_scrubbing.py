"""What is stored is read again in turns, and damage is known before it is needed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from ledger.health import Check
from records import scrubbing, tasks
from records.content import content_store
from records.health import checks
from records.models import Document
from records.scrubbing import scrub, share_of
from records.storage.cids import parse_cid
from records.storage.errors import StoreUnavailable
from records.storage.folder import FolderStore
from records.storage.peered import PeeredStore
from tests.cast import Cast
from tests.ledger.values import flip


def kept() -> set[Document]:
    return set(Document.objects.kept())


def health() -> Check:
    (found,) = checks()
    return found


def said(*options: str) -> str:
    out = StringIO()
    call_command("scrub_storage", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def block(cast: Cast) -> Iterator[Path]:
    """A block of A's image, as it was again after the test."""
    (found, *_) = settings.BLOCKS.glob(f"documents/*/{cast.image_a.cid}/*")
    before = found.read_bytes()
    yield found
    found.write_bytes(before)


@pytest.fixture(params=["changed", "gone"])
def damage(request, block: Path) -> Callable[[], None]:
    def change() -> None:
        block.write_bytes(flip(block.read_bytes(), 100))

    return {"changed": change, "gone": block.unlink}[request.param]


@pytest.fixture
def mend(block: Path) -> Callable[[], None]:
    before = block.read_bytes()

    def write() -> None:
        block.write_bytes(before)

    return write


def test_a_share_is_looked_at_in_turns_until_all_were(cast: Cast):
    total = len(kept())
    assert total > 3
    seen: list[Document] = []
    for _ in range(total):
        done = scrub(1)
        assert (done.looked_at, done.mended, done.damaged) == (1, (), ())
        seen.append(Document.objects.exclude(scrubbed_at=None).latest("scrubbed_at"))
    assert set(seen) == kept()
    assert len(seen) == total
    # Then the first one's turn comes again.
    scrub(1)
    last = Document.objects.exclude(scrubbed_at=None).latest("scrubbed_at")
    assert last == seen[0]


def test_damage_is_found_said_and_forgotten_once_it_is_mended(
    cast: Cast, damage: Callable[[], None], mend: Callable[[], None]
):
    assert health().state == "fine"
    damage()
    assert scrub(len(kept())).damaged == (cast.image_a,)
    assert health().state == "wrong"
    assert health().sentence.startswith("1 content is damaged")
    mend()
    assert scrub(len(kept())).damaged == ()
    assert health().state == "fine"


@pytest.fixture
def peer(cast: Cast, tmp_path: Path, monkeypatch) -> FolderStore:
    """Another institution's node, with a copy of A's image."""
    store, cid = FolderStore(tmp_path / "peer"), parse_cid(cast.image_a.cid)
    store.put(content_store().read(cid))
    peered = PeeredStore(FolderStore(settings.BLOCKS), [store])
    monkeypatch.setattr(scrubbing, "content_store", lambda: peered)
    return store


def test_damage_is_mended_from_another_node_and_said_for_a_week(
    cast: Cast, peer: FolderStore, damage: Callable[[], None]
):
    damage()
    out = said("--share", "1")
    assert f"{cast.image_a.pk} of Ashford Hospital: mended from another node." in out
    assert f"{len(kept())} looked at, 1 mended, 0 damaged or missing." in out
    cast.image_a.refresh_from_db()
    assert not cast.image_a.damage
    assert (health().state, health().at) == ("attention", cast.image_a.mended_at)
    assert health().sentence.startswith("1 content was damaged or missing and was")
    assert scrub(len(kept())).mended == ()
    a_week_ago = timezone.now() - timedelta(days=7)
    Document.objects.filter(pk=cast.image_a.pk).update(mended_at=a_week_ago)
    assert health().state == "fine"


def test_a_document_that_is_gone_is_put_again(cast: Cast, peer: FolderStore):
    cid = parse_cid(cast.image_a.cid)
    content_store().remove(cid)
    assert scrub(len(kept())).mended == (cast.image_a,)
    assert content_store().has(cid)


def test_damage_here_and_there_is_damage(
    cast: Cast, peer: FolderStore, damage: Callable[[], None]
):
    damage()
    peer.remove(parse_cid(cast.image_a.cid))
    done = scrub(len(kept()))
    assert (done.mended, done.damaged) == ((), (cast.image_a,))
    assert health().state == "wrong"


def test_the_command_names_what_is_damaged(cast: Cast, damage: Callable[[], None]):
    sound = f"{len(kept())} looked at, 0 mended, 0 damaged or missing.\n"
    assert said("--share", "1") == sound
    damage()
    out = StringIO()
    with pytest.raises(CommandError, match="1 damaged or missing") as refused:
        call_command("scrub_storage", "--share", "1", stdout=out)
    assert refused.value.returncode == 1
    assert out.getvalue().startswith(f"{cast.image_a.pk} of Ashford Hospital: ")


@pytest.mark.parametrize("given", ["-0.1", "1.1", "x", "nan", ""])
def test_what_is_no_share_is_said(given: str):
    with pytest.raises(CommandError, match="is no number from 0 to 1"):
        said(f"--share={given}")


def test_the_service_s_copies_are_not_missed(cast: Cast):
    assert cast.job.copy not in kept()
    assert scrub(100).looked_at == len(kept())


def test_a_share_is_one_document_at_least(cast: Cast):
    assert [share_of(part) for part in (0, 1 / 1000, 1)] == [0, 1, len(kept())]


def test_a_night_s_share_is_looked_at_in_slices(cast: Cast, monkeypatch):
    monkeypatch.setattr(tasks, "SLICE_S", 0.0)
    monkeypatch.setattr(tasks, "SHARE", 1)
    tasks.scrub_storage()
    left = len(kept()) - 1
    while left:
        (queued,) = OrmQ.objects.all()
        assert queued.args() == (left,)
        queued.delete()
        tasks.scrub_storage(left)
        left -= 1
    assert not OrmQ.objects.exists()
    assert not Document.objects.kept().filter(scrubbed_at=None).exists()


def test_a_store_that_does_not_answer_accuses_no_document(
    cast: Cast, monkeypatch, caplog
):
    def silent() -> None:
        raise StoreUnavailable("The node does not answer.")

    monkeypatch.setattr(scrubbing, "content_store", silent)
    tasks.scrub_storage()
    assert "The node does not answer." in caplog.text
    with pytest.raises(CommandError, match="does not answer") as refused:
        said()
    assert refused.value.returncode == 2
    assert not Document.objects.exclude(damage="").exists()
    assert not OrmQ.objects.exists()


def test_what_nobody_looks_at_for_long_is_said(cast: Cast):
    assert health().state == "fine"
    long_ago = timezone.now() - timedelta(days=46)
    Document.objects.filter(pk=cast.image_a.pk).update(created_at=long_ago)
    assert (health().state, health().at) == ("attention", long_ago)
    scrub(1)
    assert health().state == "fine"
