"""Finds a version's weights on this machine, or brings them from the content store."""

import logging
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.weights_archive import unpack
from diagnosis.grading.weights_folder import open_weights
from diagnosis.models import ModelVersion
from records.content import content_store
from records.storage.cids import parse_cid

logger = logging.getLogger(__name__)


def folder_of(version: ModelVersion) -> Path:
    """A folder on this machine with the version's weights, every file checked.

    The folders that are here are looked at first: the one that was fetched before,
    then MODEL_DIR. One that was tampered with is passed over.

    Raises:
        WeightsRejected: what the store holds is not what was registered.
        StorageError: a block is missing or damaged, or the store does not answer.
    """
    for folder in _places(version):
        if _holds(folder, version.weights_sha256):
            return folder
    fetched = settings.MODELS / version.weights_sha256
    archive = content_store().read(parse_cid(version.cid))
    unpack(archive, into=fetched, sha256=version.weights_sha256)
    return Path(fetched)


def _places(version: ModelVersion) -> Iterator[Path]:
    yield settings.MODELS / version.weights_sha256
    yield settings.MODEL_DIR


def _holds(folder: Path, sha256: str) -> bool:
    if not folder.is_dir():
        return False
    try:
        return open_weights(folder).sha256 == sha256
    except WeightsRejected as problem:
        logger.warning("The weights in %s are passed over: %s", folder, problem)
        return False
