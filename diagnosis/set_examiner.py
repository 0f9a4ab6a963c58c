"""Looks at one data set on the hospital's side: from the archive to what can be sent."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

from diagnosis.actions.set_checks import (
    beat_check,
    claim_check,
    record_check,
    refuse_check,
)
from diagnosis.intake.archive import opened
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.examining import Examined, examine
from diagnosis.intake.outcomes import Outcome, to_json
from diagnosis.intake.set_archive import pack
from diagnosis.models import DataSet, Purpose, SetContent
from diagnosis.set_sealing import open_content, put_sealed
from diagnosis.undertaking import undertaking
from portal.row_security import examining, in_the_name_of
from records.content import content_store
from records.storage.cids import parse_cid

TOLD_EVERY = 25
"""Files, after which the page learns how far it is."""


def check(set_id: UUID) -> None:
    """Look at a data set's files, unless somebody else does or it is done.

    Whatever goes wrong ends in the set's refusal, in a sentence.
    """
    with in_the_name_of(examining(set_id)):
        data_set = claim_check(set_id=set_id)
        if data_set is not None:
            _check(data_set)


def _check(data_set: DataSet) -> None:
    with undertaking(
        f"Data set {data_set.pk}",
        beat=lambda: beat_check(data_set=data_set),
        give_up=lambda sentence: refuse_check(data_set=data_set, sentence=sentence),
        fault="The archive could not be looked at",
        mark=str(data_set.pk)[:8],
        told=(ArchiveRefused,),
    ):
        _examine(data_set)


def _examine(data_set: DataSet) -> None:
    owner = data_set.institution.holder_id
    archive = data_set.contents.get(kind=SetContent.Kind.UPLOAD)
    with spooled(open_content(archive, owner)) as file, opened(file) as found:
        labelled = data_set.purpose == Purpose.VALIDATION
        outcomes: list[Outcome] = []
        pictures = _pictures(data_set, examine(found, labelled=labelled), outcomes)
        images = put_sealed(data_set, SetContent.Kind.IMAGES, pack(pictures))
    manifest = put_sealed(data_set, SetContent.Kind.MANIFEST, [to_json(outcomes)])
    is_usable = any(outcome.number for outcome in outcomes)
    record_check(
        data_set=data_set,
        outcomes=outcomes,
        manifest=manifest,
        images=images if is_usable else None,
    )
    if not is_usable:
        content_store().remove(parse_cid(images.content.cid))


def _pictures(
    data_set: DataSet, examined: Iterable[Examined], outcomes: list[Outcome]
) -> Iterator[bytes]:
    """The pictures that are used; what became of each file is noted on the way."""
    for each in examined:
        outcomes.append(each.outcome)
        if len(outcomes) % TOLD_EVERY == 0:
            beat_check(data_set=data_set, looked_at=len(outcomes))
        if each.png is not None:
            yield each.png


@contextmanager
def spooled(pieces: Iterable[bytes]) -> Iterator[BinaryIO]:
    """A stream as a file without a name, which is gone with this process."""
    settings.INTAKE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryFile(dir=settings.INTAKE) as file:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
        yield file
