"""A document is sealed, opened for those who hold its key, and shown only unaltered."""

import secrets
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from ledger.events import Event
from ledger.history import statement
from portal.errors import Refused
from records.actions.documents import NewDocument, add_document, open_document
from records.content import content_store
from records.encryption.wrapping import key_commitment, wraps_hash
from records.errors import RecordDamaged
from records.models import Act, Document, KeyWrap
from records.opening import data_key_of, name_of, unseal
from records.storage.cids import parse_cid
from records.storage.errors import BlockDamaged, BlockMissing, StoreUnavailable
from records.storage.ipfs import IpfsStore
from tests.cast import FILE_NAME, IMAGE_A, IMAGE_B, Cast, add_image, picture

ABSENT_NODE = "/ip4/127.0.0.1/tcp/9"


@pytest.fixture
def image(cast: Cast) -> Document:
    """One whose blocks a test may damage."""
    return add_image(cast.child, cast.bea, picture(11))


def stored(document: Document) -> bytes:
    return b"".join(content_store().read(parse_cid(document.cid)))


def blocks(document: Document) -> list[Path]:
    return sorted(Path(settings.BLOCKS).glob(f"documents/*/{document.cid}/*"))


def openings(document: Document) -> int:
    return Act.objects.filter(document=document, event=Event.DOCUMENT_OPENED).count()


# Sealing


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_048_577])
def test_what_is_sealed_opens_again(cast: Cast, size: int):
    content = secrets.token_bytes(size)
    document = add_image(cast.child, cast.bea, content)
    assert open_document(document=document, acting=cast.bea) == content
    assert open_document(document=document, acting=cast.grace) == content
    assert document.sealed_bytes == len(stored(document)) > size


def test_the_stored_blocks_hold_nothing_of_the_content(cast: Cast):
    sealed = stored(cast.image_a)
    assert IMAGE_A not in sealed
    for start in range(0, len(IMAGE_A) - 16, 16):
        assert IMAGE_A[start : start + 16] not in sealed
    assert b"PNG" not in sealed[:64]


def test_the_same_content_twice_shares_nothing(cast: Cast):
    one, other = (add_image(cast.child, cast.bea, IMAGE_A) for _ in range(2))
    assert one.cid != other.cid
    assert bytes(one.key_commitment) != bytes(other.key_commitment)


def test_the_name_is_sealed_and_read_by_key_holders_only(cast: Cast):
    assert FILE_NAME.encode() not in bytes.fromhex(cast.image_a.sealed_name)
    assert name_of(cast.image_a, cast.a.holder_id) == FILE_NAME
    assert name_of(cast.image_a, cast.child.holder_id) == FILE_NAME
    assert name_of(cast.image_a, cast.c.holder_id) == "Ultrasound image"


def test_long_and_short_names_are_sealed_to_the_same_length(cast: Cast):
    names = ["a.png", "ニーレ" * 20 + ".png"]
    sealed = {
        len(add_image(cast.child, cast.bea, b"x", name).sealed_name) for name in names
    }
    assert len(sealed) == 1


def test_the_hospital_and_the_patient_get_the_key_and_nobody_else(cast: Cast):
    holders = set(cast.image_a.wraps.values_list("holder_id", flat=True))
    assert holders == {cast.a.holder_id, cast.child.holder_id}


def test_the_statement_says_content_key_and_wraps(cast: Cast, image: Document):
    said = statement(bytes(image.statement_id))
    assert said
    key = data_key_of(image, cast.b.holder_id)
    pairs = ((bytes(w.key_id), bytes(w.wrapped_key)) for w in image.wraps.all())
    assert said.kind is Event.DOCUMENT_ADDED
    assert said.tenant == cast.b.pk
    assert said.cid == bytes(parse_cid(image.cid))
    assert said.key_commit == key_commitment(key, image.pk.bytes)
    assert said.wraps_hash == wraps_hash(pairs)


# Reading is an act


def test_a_doctors_reading_is_recorded(cast: Cast, image: Document):
    open_document(document=image, acting=cast.bea)
    act = Act.objects.get(document=image, event=Event.DOCUMENT_OPENED)
    assert (act.actor, act.institution) == (cast.bea.user, cast.b)


def test_the_guardians_own_reading_is_not(cast: Cast, image: Document):
    open_document(document=image, acting=cast.grace)
    assert openings(image) == 0


@pytest.mark.parametrize("name", ["boris", "carl", "oscar", "petra", "alan"])
def test_a_refused_reading_leaves_no_trace(cast: Cast, image: Document, name: str):
    with pytest.raises(Refused):
        open_document(document=image, acting=cast.acting(name))
    assert openings(image) == 0


# Whatever was altered is not shown


def swap_wraps(cast: Cast, image: Document) -> None:
    mine = image.wraps.get(holder_id=cast.b.holder_id)
    other = cast.image_b.wraps.get(holder_id=cast.b.holder_id)
    KeyWrap.objects.filter(pk=mine.pk).update(wrapped_key=other.wrapped_key)
    KeyWrap.objects.filter(pk=other.pk).update(wrapped_key=mine.wrapped_key)


def give_another_holders_wrap(cast: Cast, image: Document) -> None:
    theirs = image.wraps.get(holder_id=cast.child.holder_id)
    image.wraps.filter(holder_id=cast.b.holder_id).update(
        wrapped_key=theirs.wrapped_key
    )


def rename_key(cast: Cast, image: Document) -> None:
    theirs = cast.image_b.wraps.get(holder_id=cast.child.holder_id)
    image.wraps.filter(holder_id=cast.b.holder_id).update(key_id=theirs.key_id)


def take_wrap(cast: Cast, image: Document) -> None:
    image.wraps.filter(holder_id=cast.b.holder_id).delete()


def take_cid(cast: Cast, image: Document) -> None:
    Document.objects.filter(pk=image.pk).update(cid=cast.image_b.cid)


def take_commitment(cast: Cast, image: Document) -> None:
    commitment = cast.image_b.key_commitment
    Document.objects.filter(pk=image.pk).update(key_commitment=commitment)


def take_everything(cast: Cast, image: Document) -> None:
    """All that another document has, its statement excepted."""
    other = cast.image_b
    Document.objects.filter(pk=image.pk).update(
        cid=other.cid,
        key_commitment=other.key_commitment,
        sealed_name=other.sealed_name,
    )
    theirs = other.wraps.get(holder_id=cast.b.holder_id)
    image.wraps.filter(holder_id=cast.b.holder_id).update(
        wrapped_key=theirs.wrapped_key
    )


def forge_statement(cast: Cast, image: Document) -> None:
    Document.objects.filter(pk=image.pk).update(statement_id=secrets.token_bytes(16))


GONE = "The key that would open this is gone"
ALTERED = {
    swap_wraps: "This document was altered",
    give_another_holders_wrap: "This document was altered",
    rename_key: "This document was altered",
    take_wrap: "not there for this reader",
    take_cid: "The ledger names another content",
    take_commitment: "The ledger names another key",
    take_everything: "The ledger names another content",
    forge_statement: "The ledger knows nothing of this document",
}


@pytest.mark.parametrize(("alter", "sentence"), ALTERED.items())
def test_an_altered_row_is_refused_and_the_page_says_why(
    cast: Cast, image: Document, sign_in, alter, sentence: str
):
    alter(cast, image)
    image = Document.objects.get(pk=image.pk)
    with pytest.raises(RecordDamaged, match=sentence):
        unseal(image, cast.b.holder_id)
    response = sign_in("bea").get(reverse("document", args=[image.pk]))
    # Another holder's key is not even there for whoever asks.
    status, sentence = (503, GONE) if alter is rename_key else (409, sentence)
    assert response.status_code == status
    assert sentence in response.text
    assert openings(image) == 0


def take_name(cast: Cast, image: Document) -> None:
    other = cast.image_b.sealed_name
    Document.objects.filter(pk=image.pk).update(sealed_name=other)


def lose_name(cast: Cast, image: Document) -> None:
    Document.objects.filter(pk=image.pk).update(sealed_name="")


NAMELESS = [swap_wraps, give_another_holders_wrap, take_commitment, take_everything]
NAMELESS += [take_name, lose_name]


@pytest.mark.parametrize("alter", NAMELESS)
def test_an_altered_name_or_key_shows_no_name(cast: Cast, image: Document, alter):
    alter(cast, image)
    image = Document.objects.get(pk=image.pk)
    with pytest.raises(RecordDamaged, match="This document was altered"):
        name_of(image, cast.b.holder_id)


def test_without_wraps_the_name_is_gone(cast: Cast, image: Document):
    image.wraps.all().delete()
    for holder in (cast.b, cast.child):
        assert name_of(image, holder.holder_id) == "Ultrasound image"
        with pytest.raises(RecordDamaged, match="not there for this reader"):
            data_key_of(image, holder.holder_id)


@pytest.mark.parametrize("alter", [swap_wraps, take_wrap, take_name])
def test_one_damaged_document_does_not_close_the_history(
    cast: Cast, image: Document, sign_in, alter
):
    alter(cast, image)
    response = sign_in("bea").get(reverse("patient", args=[cast.child.pk]))
    assert response.status_code == 200


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_block_is_a_page_with_a_sentence(
    cast: Cast, image: Document, sign_in
):
    damage(blocks(image)[0])
    with pytest.raises(BlockDamaged):
        open_document(document=image, acting=cast.bea)
    response = sign_in("grace").get(reverse("document", args=[image.pk]))
    assert response.status_code == 409
    assert "is damaged: its content has another hash" in response.text
    assert openings(image) == 0


def test_a_missing_block_is_a_page_with_a_sentence(
    cast: Cast, image: Document, sign_in
):
    content_store().remove(parse_cid(image.cid))
    with pytest.raises(BlockMissing):
        open_document(document=image, acting=cast.bea)
    response = sign_in("bea").get(reverse("document", args=[image.pk]))
    assert response.status_code == 409
    assert "The store does not have block" in response.text


@pytest.fixture
def silent_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that nobody runs."""
    store = IpfsStore(ABSENT_NODE)
    for room in ("records.opening", "records.actions.documents"):
        monkeypatch.setattr(f"{room}.content_store", lambda: store)


def test_a_store_that_does_not_answer_is_a_page_with_a_sentence(
    cast: Cast, sign_in, silent_store
):
    response = sign_in("bea").get(reverse("document", args=[cast.image_b.pk]))
    assert response.status_code == 503
    assert "Not possible just now" in response.text


def test_nothing_is_recorded_where_the_store_does_not_answer(cast: Cast, silent_store):
    documents, acts = Document.objects.count(), Act.objects.count()
    with pytest.raises(StoreUnavailable):
        add_image(cast.child, cast.bea, IMAGE_B)
    assert (Document.objects.count(), Act.objects.count()) == (documents, acts)


def test_an_upload_that_is_not_kept_says_so_at_the_field(
    cast: Cast, sign_in, silent_store, tmp_path: Path
):
    file = tmp_path / "scan.png"
    file.write_bytes(IMAGE_B)
    client: Client = sign_in("bea")
    with file.open("rb") as opened:
        response = client.post(
            reverse("upload", args=[cast.child.pk]), {"file": opened}
        )
    assert response.status_code == 200
    assert "The image was not kept" in response.text


def test_a_content_that_breaks_off_leaves_nothing(cast: Cast):
    def breaking():
        yield b"x" * 100_000
        raise ConnectionAbortedError

    before = Document.objects.count()
    with pytest.raises(ConnectionAbortedError):
        add_document(
            patient=cast.child,
            institution=cast.b,
            by=cast.bea,
            new=NewDocument(
                kind=Document.Kind.IMAGE,
                name="scan.png",
                media_type="image/png",
                content=breaking(),
            ),
        )
    assert Document.objects.count() == before
