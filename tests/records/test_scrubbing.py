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
from records.health import checks
from records.models import Document
from records.scrubbing import scrub, share_of
from records.storage.errors import StoreUnavailable
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
        assert (done.looked_at, done.damaged) == (1, ())
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


def test_the_command_names_what_is_damaged(cast: Cast, damage: Callable[[], None]):
    assert said("--share", "1") == f"{len(kept())} looked at, 0 damaged or missing.\n"
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
