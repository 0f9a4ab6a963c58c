"""A folder of weights as a whole: what belongs to it, and whether it is sound."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import MANIFEST, Manifest, Part, read_manifest

CARD = "MODEL_CARD.md"
MOST_CARD_BYTES = 1024 * 1024
LONGEST_NAME = 100
"""Bytes of a file's name, as an archive of the folder can hold it."""
_AT_A_TIME = 1024 * 1024


@dataclass(frozen=True)
class WeightsFolder:
    """A folder whose every file is what its manifest says.

    Attributes:
        path: where it lies.
        manifest: what it says of itself.
        sha256: of the manifest's file, hex; it stands for everything that decides
            a grade, as the manifest names the digests of the networks.
    """

    path: Path
    manifest: Manifest
    sha256: str

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files, the manifest first, the card last."""
        return (MANIFEST, *(part.file for part in parts(self.manifest)), CARD)

    @property
    def card(self) -> str:
        """The model card, Markdown.

        Raises:
            WeightsRejected: there is none, or it is no text of a card's length.
        """
        try:
            content = (self.path / CARD).read_bytes()
            if len(content) > MOST_CARD_BYTES:
                raise WeightsRejected(
                    f"The model card in {self.path} has {len(content):,} bytes, more"
                    f" than the {MOST_CARD_BYTES:,} that are read."
                )
            return content.decode()
        except OSError as error:
            raise WeightsRejected(
                f"There is no model card in {self.path}: {CARD} cannot be read"
                f" ({error.strerror}). Write down there what the networks have learnt"
                " from, how they were measured and what they are for."
            ) from error
        except UnicodeDecodeError as error:
            raise WeightsRejected(
                f"The model card in {self.path} is not UTF-8 text."
            ) from error


def parts(manifest: Manifest) -> tuple[Part, ...]:
    """Both networks, in the order in which they grade."""
    return manifest.segmenter, manifest.classifier


def open_weights(path: Path) -> WeightsFolder:
    """Read a folder's manifest, hash every file that it names; no tensor is read.

    Raises:
        WeightsRejected: a file is missing, changed, or named twice.
    """
    manifest, sha256 = read_manifest(path)
    names = [part.file for part in parts(manifest)]
    if len({*names, MANIFEST, CARD}) != len(names) + 2:
        raise WeightsRejected(f"{path / MANIFEST} gives two files the same name.")
    if any(len(name.encode()) > LONGEST_NAME for name in names):
        raise WeightsRejected(
            f"{path / MANIFEST} names a file by more than {LONGEST_NAME} bytes."
        )
    for part in parts(manifest):
        _check(path / part.file, part.sha256)
    return WeightsFolder(path, manifest, sha256)


def _check(path: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_AT_A_TIME):
                digest.update(piece)
    except OSError as error:
        raise WeightsRejected(
            f"The weights {path} cannot be read ({error.strerror})."
        ) from error
    if digest.hexdigest() != sha256:
        raise WeightsRejected(
            f"The weights {path} are not the ones that their manifest names: their"
            " SHA-256 differs. Put the original file back."
        )
